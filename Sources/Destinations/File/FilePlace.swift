/// Where a file lies: a folder, and the names that lead from there to the file.
struct FilePlace: Sendable, Hashable {
    /// The folder that the settings name; it is trusted, links and all.
    let folder: String
    /// The folders below it, and the file's name.
    let names: [String]
    /// Whether the names come from elsewhere, so that none may be a link.
    let isConfined: Bool
    /// The whole path.
    let path: String

    /// The file's own name.
    var name: String { names[names.count - 1] }

    /// A file that the settings name by its path. The path must not end in a slash.
    init(path: String) {
        self.path = path
        isConfined = false
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            folder = "."
            names = [path]
            return
        }
        folder = slash == path.startIndex ? "/" : String(path[..<slash])
        names = [String(path[path.utf8.index(after: slash)...])]
    }

    /// A file below a folder.
    init(_ name: FileName, in folder: String) {
        self.folder = folder
        names = name.segments
        isConfined = true
        path = (CollectionOfOne(folder) + name.segments).joined(separator: "/")
    }
}
