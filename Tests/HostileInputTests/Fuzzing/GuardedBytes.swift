import CollectorTesting
import Glibc

/// Bytes that end where the process may not read on: whoever looks one byte further is ended by the kernel.
struct GuardedBytes: ~Copyable {
    private let region: UnsafeMutableRawPointer
    private let byteCount: Int
    private let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))

    init(maximumByteCount: Int) throws {
        byteCount = (maximumByteCount + pageByteCount - 1) / pageByteCount * pageByteCount + pageByteCount
        let protection = PROT_READ | PROT_WRITE
        guard let region = mmap(nil, byteCount, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), region != MAP_FAILED
        else { throw TestSupportError("mmap: \(errno)") }
        self.region = region
        mprotect(region + (byteCount - pageByteCount), pageByteCount, PROT_NONE)
    }

    deinit {
        munmap(region, byteCount)
    }

    /// Lends the bytes, which are not to be more than the maximum.
    func lend<Result>(_ bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        let start = region + (byteCount - pageByteCount - bytes.count)
        start.copyMemory(from: bytes, byteCount: bytes.count)
        return try body(
            UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        )
    }
}
