import Glibc

/// The system's files, to look at only: nothing is made, changed or removed.
struct ReadOnlyFiles: FileSystem {
    private let files = SystemFiles()

    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any StorageFile {
        guard case .read = access else { throw FileFailure("write to", path, EROFS) }
        return try files.open(path, .read)
    }

    func makeDirectory(_ path: String) throws(FileFailure) { throw FileFailure("make the directory", path, EROFS) }
    func list(_ path: String) throws(FileFailure) -> [String] { try files.list(path) }
    func rename(_ path: String, to other: String) throws(FileFailure) { throw FileFailure("rename", path, EROFS) }
    /// What a start would clear away is left.
    func remove(_ path: String) throws(FileFailure) {}
    func synchronizeDirectory(_ path: String) throws(FileFailure) {}
    func synchronizeAll(_ path: String) throws(FileFailure) {}

    /// Held for as long as nobody else may write; it fails while a process has the store open.
    /// A copy of a store may have no such file, and is nobody's.
    func lock(_ path: String) throws(FileFailure) -> any Sendable {
        do {
            return try FileLock(path, isShared: true)
        } catch {
            guard error.isMissing else { throw error }
            return path
        }
    }
}
