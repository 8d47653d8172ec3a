import Glibc

/// A pipe that ends another thread's `poll`.
final class RedisWakeUp: Sendable {
    /// The descriptor to poll for reading.
    let readDescriptor: Int32
    private let writeDescriptor: Int32

    init() throws(RedisError) {
        var descriptors: [Int32] = [-1, -1]
        guard pipe(&descriptors) == 0 else {
            throw RedisError(.threadFailed, "the Redis client got no pipe: raise the limit of open files (ulimit -n)")
        }
        for descriptor in descriptors {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        }
        readDescriptor = descriptors[0]
        writeDescriptor = descriptors[1]
    }

    deinit {
        close(readDescriptor)
        close(writeDescriptor)
    }

    /// Ends the other thread's current or next `poll`.
    ///
    /// A full pipe is fine: it ends the poll as well.
    func wake() {
        var byte: UInt8 = 1
        _ = write(writeDescriptor, &byte, 1)
    }

    /// Makes the pipe empty again.
    func drain() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            while read(readDescriptor, buffer.baseAddress, buffer.count) == buffer.count {}
        }
    }
}
