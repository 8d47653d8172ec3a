import Glibc

/// What a file operation failed with.
struct FileFailure: Error, Equatable, CustomStringConvertible {
    var operation: String
    var path: String
    var code: Int32
    /// Who holds the lock, where that is why.
    var holder: String?

    init(_ operation: String, _ path: String, _ code: Int32, holder: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.holder = holder
    }

    /// Whether there is no room, or no descriptor, which may pass.
    var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG || isOutOfDescriptors }
    /// Whether no file could be opened because too many are: nothing was asked of the disk.
    var isOutOfDescriptors: Bool { code == EMFILE || code == ENFILE }
    var isMissing: Bool { code == ENOENT }

    var description: String {
        if let holder { return "\(path): in use by process \(holder); stop it, or use another directory" }
        let reason = String(cString: strerror(code))
        let remedy =
            switch code {
            case ENOSPC, EDQUOT: "; free space on its disk"
            case EACCES, EPERM: "; allow this user to read and write it"
            case EROFS: "; mount it writable, or use another directory"
            case EMFILE, ENFILE: "; allow more open files"
            case EIO: "; check the disk"
            default: ""
            }
        return "\(path): cannot \(operation): \(reason)\(remedy)"
    }
}
