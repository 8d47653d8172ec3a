#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Why something was not written.
struct WriteFailure: Error, CustomStringConvertible {
    /// What failed, and the system's words for it; never what was to be written.
    let description: String
    /// Whether trying again may help: the disk is full or busy, a right or a folder is missing, too much is open.
    let isTransient: Bool

    /// The operating system refused; `number` is its `errno`.
    init(_ action: String, number: Int32) {
        description = "\(action): \(String(cString: strerror(number)))"
        isTransient = Self.transientNumbers.contains(number)
    }

    /// We refuse ourselves.
    init(_ sentence: String, isTransient: Bool) {
        description = sentence
        self.isTransient = isTransient
    }

    private static let transientNumbers: Set<Int32> = [
        EACCES, EAGAIN, EBUSY, ECANCELED, EDQUOT, EINTR, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS,
        ESTALE,
    ]
}
