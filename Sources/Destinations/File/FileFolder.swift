#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An open folder. Whoever opens it closes it.
struct FileFolder {
    let descriptor: Int32

    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// Opens a place's folder, creating it and those it lies in.
    ///
    /// Below the folder that the settings name, no link is followed.
    init(of place: FilePlace, mode: mode_t) throws(WriteFailure) {
        var folder = try FileFolder(creating: place.folder, mode: mode)
        for name in place.names.dropLast() {
            let parent = folder
            defer { parent.close() }
            folder = try FileFolder(creating: name, in: parent, mode: mode)
        }
        self = folder
    }

    /// Opens a folder by its path, creating it and those it lies in.
    ///
    /// No event is to blame if that fails: the failure is transient, whatever it is.
    init(creating path: String, mode: mode_t) throws(WriteFailure) {
        do throws(WriteFailure) {
            self = try Self.made(path, mode: mode)
        } catch {
            throw WriteFailure(error.description, isTransient: true)
        }
    }

    private static func made(_ path: String, mode: mode_t) throws(WriteFailure) -> FileFolder {
        if let folder = FileFolder(path) { return folder }
        for end in path.utf8.indices where path.utf8[end] == UInt8(ascii: "/") && end > path.startIndex {
            try create(String(path[..<end]), mode: mode)
        }
        try create(path, mode: mode)
        guard let folder = FileFolder(path) else { throw WriteFailure("open folder \(path)", number: errno) }
        return folder
    }

    /// Opens a folder by its path; nil with `errno` if that cannot be done.
    init?(_ path: String) {
        descriptor = open(path, Self.flags)
        if descriptor < 0 { return nil }
    }

    /// Opens a folder inside another one; nil with `errno` if that cannot be done, or if it is a link.
    init?(_ name: String, in parent: FileFolder) {
        descriptor = openat(parent.descriptor, name, Self.flags | O_NOFOLLOW)
        if descriptor < 0 { return nil }
    }

    private init(creating name: String, in parent: FileFolder, mode: mode_t) throws(WriteFailure) {
        if let folder = FileFolder(name, in: parent) {
            self = folder
            return
        }
        if errno == ENOENT {
            guard mkdirat(parent.descriptor, name, mode) == 0 || errno == EEXIST else {
                throw WriteFailure("create folder", number: errno)
            }
            try parent.synchronize()
        }
        guard let folder = FileFolder(name, in: parent) else {
            // Links are no folders here, and say so.
            throw errno == ENOTDIR || errno == ELOOP
                ? WriteFailure("a part of the name is no folder, or is a link", isTransient: false)
                : WriteFailure("open folder", number: errno)
        }
        self = folder
    }

    private static func create(_ path: String, mode: mode_t) throws(WriteFailure) {
        if mkdir(path, mode) != 0 {
            if errno == EEXIST || errno == EISDIR { return }
            throw WriteFailure("create folder \(path)", number: errno)
        }
        let parent = FilePlace(path: path).folder
        guard let folder = FileFolder(parent) else { throw WriteFailure("open folder \(parent)", number: errno) }
        defer { folder.close() }
        try folder.synchronize()
    }

    func close() {
        _ = systemClose(descriptor)
    }

    /// Makes sure that names that were added, changed or removed survive a loss of power.
    func synchronize() throws(WriteFailure) {
        // Some file systems cannot do that for folders, and say EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw WriteFailure("fsync of the folder", number: errno)
        }
    }

    /// The names of what is in the folder.
    func names() throws(WriteFailure) -> [String] {
        // A descriptor of its own, since closedir closes it.
        let own = openat(descriptor, ".", Self.flags)
        guard own >= 0, let stream = fdopendir(own) else { throw WriteFailure("read the folder", number: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What is known of a file in the folder, of a link itself; nil if there is none.
    func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Deletes a file; false with `errno` if that cannot be done. One that is not there is deleted.
    @discardableResult
    func remove(_ name: String) -> Bool {
        unlinkat(descriptor, name, 0) == 0 || errno == ENOENT
    }
}

/// `close(2)` under a name that does not clash with the method above.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
