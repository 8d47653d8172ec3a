#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What tells that a file is another one than before: its place on the disk, its size and when it was written.
///
/// The number alone would not do: a file system may give it to the next file at once.
struct HTTPFileMark: Equatable {
    private var device: UInt64 = 0
    private var number: UInt64 = 0
    private var byteCount: Int64 = 0
    private var seconds: Int = 0
    private var nanoseconds: Int = 0

    /// The mark of the file, behind links.
    ///
    /// A missing file has a mark of its own.
    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        self.device = UInt64(truncatingIfNeeded: status.st_dev)
        self.number = UInt64(status.st_ino)
        self.byteCount = Int64(status.st_size)
        self.seconds = Int(time.tv_sec)
        self.nanoseconds = Int(time.tv_nsec)
    }
}
