#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Who may read and write what is created; the process's umask takes its part of it away.
public struct FileMode: Sendable, Equatable {
    /// The permissions of a file.
    let file: mode_t
    /// The permissions of a folder: whoever may read a file may go into its folder.
    var folder: mode_t { file | (file & 0o444) >> 2 }

    /// Owner writes, group reads.
    public static let standard = FileMode(file: 0o640)

    private init(file: mode_t) {
        self.file = file
    }

    /// Reads octal text such as "0640"; nil if it is none, if the owner could not read and write, if anybody could
    /// write, or if it is about more than reading and writing.
    public init?(_ text: String) {
        guard (3...4).contains(text.utf8.count), let bits = mode_t(text, radix: 8),
            bits & 0o600 == 0o600, bits & ~0o664 == 0
        else { return nil }
        file = bits
    }
}
