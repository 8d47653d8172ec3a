import Dispatch

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes to a file descriptor on a thread of its own, so that a slow disk or a full pipe blocks nobody else.
///
/// Either all of the bytes are written, or, for a regular file, none: after a failure the file is cut back to where it
/// was, so that no half line stays. A write that is cancelled may still be done later; until then no other begins.
final class BlockingWriter: Sendable {
    private let work: CancellableWork
    private let descriptor: Int32

    /// A writer to an open descriptor, which stays the caller's to close.
    init(descriptor: Int32, label: String) {
        self.descriptor = descriptor
        work = CancellableWork(on: DispatchQueue(label: label))
    }

    /// Writes all of the bytes after those of earlier calls.
    func write(_ bytes: [UInt8]) async throws(WriteFailure) {
        try await work.run { self.writeAll(bytes) }.get()
    }

    private func writeAll(_ bytes: [UInt8]) -> Result<Void, WriteFailure> {
        let start = lseek(descriptor, 0, SEEK_END)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                let failure = WriteFailure("write", number: errno)
                if start >= 0, written > 0 { _ = ftruncate(descriptor, start) }
                return .failure(failure)
            }
        }
        return .success(())
    }
}

/// `write(2)` under a name that does not clash with the method above.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
