/// A store's directory: made, locked, of a version that is known.
struct StoreDirectory {
    static let formatText = "collectord durable log, version 1\n"

    let paths: StorePaths
    let files: any FileSystem
    let lock: any Sendable

    init(_ root: String, _ files: any FileSystem) throws(StoreOpenError) {
        let paths = StorePaths(root: root)
        self.paths = paths
        self.files = files
        do {
            try files.makeDirectory(root)
            lock = try files.lock(paths.lock)
            let names = Set(try files.list(root))
            if names.contains("FORMAT") {
                let text = String(decoding: try files.open(paths.format, .read).bytes(at: 0, count: 200), as: UTF8.self)
                guard text == Self.formatText else {
                    throw StoreOpenError(
                        "\(paths.format): not a version that this program knows (version 1); use the program that wrote it, or another directory"
                    )
                }
            } else if names.contains("log") || names.contains("segments") {
                throw StoreOpenError(
                    "\(paths.format): is missing though there is a store; restore it, or use another directory"
                )
            } else {
                // The directory itself may be new. Who may not open the one above it has to answer for it.
                let above = root.lastIndex(of: "/").map { $0 == root.startIndex ? "/" : String(root[..<$0]) } ?? "."
                try? files.synchronizeDirectory(above)
                // Whole and durable before there is anything else.
                let file = try files.open(paths.format + ".new", .create)
                try file.write(Array(Self.formatText.utf8), at: 0)
                try file.synchronize()
                try files.rename(paths.format + ".new", to: paths.format)
                try files.synchronizeDirectory(root)
            }
            for directory in [paths.log, paths.segments, paths.keys, paths.metadata] {
                try files.makeDirectory(directory)
            }
            try files.synchronizeDirectory(root)
        } catch let error as FileFailure {
            throw StoreOpenError(error.description)
        } catch let error as StoreOpenError {
            throw error
        } catch {
            throw StoreOpenError("\(root): \(error)")
        }
    }
}
