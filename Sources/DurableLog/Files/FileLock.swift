import Glibc

/// A lock on a file, by which processes keep each other out; given back with its last user.
final class FileLock: Sendable {
    private let descriptor: Int32
    /// Closes the descriptor.
    private let file: SystemFile

    /// Locks a file for this process alone, with its number in it; or, to look only, against those, changing nothing.
    init(_ path: String, isShared: Bool) throws(FileFailure) {
        descriptor = Glibc.open(path, (isShared ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("open", path, errno) }
        file = SystemFile(descriptor, path)
        guard flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
            let code = errno
            let holder = (try? file.bytes(at: 0, count: 32)).map {
                String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self)
            }
            throw FileFailure("lock", path, code, holder: holder?.isEmpty == false ? holder : "unknown")
        }
        if isShared { return }
        ftruncate(descriptor, 0)
        try file.write(Array("\(getpid())\n".utf8), at: 0)
    }

    // Closing is not enough: a child that is being started has the descriptor until it becomes another program.
    deinit { flock(descriptor, LOCK_UN) }
}
