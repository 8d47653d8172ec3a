import Glibc

/// A disk of a program's own, in memory and as small as is wanted, that nobody else sees.
///
/// ```swift
/// let disk = SmallDisk(at: folder.path, byteCount: 160 << 20, filledByteCount: 70 << 20)
/// process.arguments = disk.command + ["collectord", "run", "flow.json", "--data-dir", folder.path]
/// try disk.free(of: process.processIdentifier)      // the filler goes: there is room
/// ```
///
/// Needs `unshare` ([unshare(1)](https://man7.org/linux/man-pages/man1/unshare.1.html)), and leave to have mounts.
public struct SmallDisk: Sendable {
    /// The folder that it is mounted on.
    public let path: String
    /// Its size.
    public let byteCount: Int
    /// What a file on it takes from the beginning.
    public let filledByteCount: Int

    /// A disk on a folder that is there.
    public init(at path: String, byteCount: Int, filledByteCount: Int = 0) {
        self.path = path
        self.byteCount = byteCount
        self.filledByteCount = filledByteCount
    }

    /// The beginning of a command that runs the rest on that disk.
    public var command: [String] {
        let filling = filledByteCount > 0 ? #" && head -c \#(filledByteCount) /dev/zero > "$0/filler""# : ""
        let mounting = #"mount -t tmpfs -o size=\#(byteCount) none "$0"\#(filling) && exec "$@""#
        return ["unshare", "-rm", "sh", "-c", mounting, path]
    }

    /// The beginning of a command that runs the rest with a folder that cannot be written.
    public static func readOnly(_ path: String) -> [String] {
        let mounting = #"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#
        return ["unshare", "-rm", "sh", "-c", mounting, path]
    }

    /// Where a file on the disk is seen from outside, as long as the process runs.
    public func outerPath(of name: String, process: Int32) -> String { "/proc/\(process)/root\(path)/\(name)" }

    /// Removes what fills the disk.
    ///
    /// - Throws: `TestSupportError` if it is not there.
    public func free(of process: Int32) throws {
        let filler = outerPath(of: "filler", process: process)
        guard unlink(filler) == 0 else { throw TestSupportError("\(filler) cannot be removed") }
    }

    /// Whether there is `unshare` here, and leave to have mounts.
    public static var isPossible: Bool {
        get async { await ChildProcess.succeeds(["unshare", "-rm", "true"]) }
    }
}
