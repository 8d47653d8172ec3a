import Glibc

/// A folder that is gone with its last user.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/durable-log-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unavailable() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    struct Unavailable: Error {}

    /// Names in a folder, sorted.
    static func list(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(directory)
        return names.sorted()
    }

    /// Paths of all files below a folder, sorted.
    static func files(_ path: String) -> [String] {
        list(path).flatMap { name -> [String] in
            let inner = path + "/" + name
            return isFolder(inner) ? files(inner) : [inner]
        }
    }

    /// A descriptor of this process that is open on a file.
    static func descriptor(of path: String) -> Int32? {
        list("/proc/self/fd").compactMap { Int32($0) }.first { descriptor in
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
            return count > 0 && String(decoding: target[..<count].map(UInt8.init), as: UTF8.self) == path
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func remove(_ path: String) {
        for name in list(path) {
            let inner = path + "/" + name
            if isFolder(inner) { remove(inner) } else { unlink(inner) }
        }
        rmdir(path)
    }

    static func copy(_ path: String, to other: String) throws {
        mkdir(other, 0o700)
        for name in list(path) {
            let (from, to) = (path + "/" + name, other + "/" + name)
            if isFolder(from) { try copy(from, to: to) } else { try write(read(from), to: to) }
        }
    }

    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw Unavailable() }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[0..<count]
        }
        close(descriptor)
        return bytes
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Unavailable() }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            guard count > 0 else { break }
            done += count
        }
        close(descriptor)
        guard done == bytes.count else { throw Unavailable() }
    }
}
