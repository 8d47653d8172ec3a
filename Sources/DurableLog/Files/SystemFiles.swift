import CStorage
import Glibc

/// The system's files.
struct SystemFiles: FileSystem {
    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any StorageFile {
        let flags: Int32 =
            switch access {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("open", path, errno) }
        return SystemFile(descriptor, path)
    }

    func makeDirectory(_ path: String) throws(FileFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileFailure("make the directory", path, errno) }
    }

    func list(_ path: String) throws(FileFailure) -> [String] {
        guard let directory = opendir(path) else { throw FileFailure("list", path, errno) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(directory)
        return names
    }

    func rename(_ path: String, to other: String) throws(FileFailure) {
        guard Glibc.rename(path, other) == 0 else { throw FileFailure("rename", path, errno) }
    }

    func remove(_ path: String) throws(FileFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path, errno) }
    }

    func synchronizeDirectory(_ path: String) throws(FileFailure) {
        let file = try open(path, .read)
        try file.synchronize()
    }

    func synchronizeAll(_ path: String) throws(FileFailure) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", path, errno) }
        let result = syncfs(descriptor)
        let code = errno
        Glibc.close(descriptor)
        guard result == 0 else { throw FileFailure("make durable what is on the disk of", path, code) }
    }

    func lock(_ path: String) throws(FileFailure) -> any Sendable { try FileLock(path, isShared: false) }
}

/// A descriptor and its path; all calls may come from any thread.
final class SystemFile: StorageFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileFailure) {
        var done = 0
        while done < bytes.count {
            guard let base = bytes.baseAddress else { return }
            let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure("write to", path, errno)
            }
            // A disk that takes nothing and says nothing is full.
            guard count > 0 else { throw FileFailure("write to", path, ENOSPC) }
            done += count
        }
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileFailure) -> Int {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let count = pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure("read", path, errno)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func synchronizeData() throws(FileFailure) {
        guard fdatasync(descriptor) == 0 else { throw FileFailure("make durable", path, errno) }
    }

    func synchronize() throws(FileFailure) {
        guard fsync(descriptor) == 0 else { throw FileFailure("make durable", path, errno) }
    }

    func allocate(byteCount: UInt64) throws(FileFailure) {
        let code = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard code == 0 else { throw FileFailure("reserve \(byteCount) bytes for", path, code) }
    }

    func byteCount() throws(FileFailure) -> UInt64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileFailure("look at", path, errno) }
        return UInt64(max(0, status.st_size))
    }
}
