/// The files of the commit log as they lie in the directory.
struct LogFiles {
    /// In order.
    private(set) var ranges: [LogFileRange] = []
    private(set) var spares: [SpareLogFile] = []

    init(_ paths: StorePaths, _ files: any FileSystem, _ quarantine: Quarantine) throws(FileFailure) {
        let names = try files.list(paths.log)
        try files.remove(paths.newLogFile)
        for name in names where name.hasPrefix(SpareLogFile.prefix) {
            spares.append(
                SpareLogFile(name: name, byteCount: try files.open(paths.log + "/" + name, .read).byteCount())
            )
        }
        for base in names.compactMap(StorePaths.logFileBase).sorted() {
            let path = paths.logFile(base: base)
            let file = try files.open(path, .read)
            let byteCount = try file.byteCount()
            let header = try file.bytes(at: 0, count: Int(min(byteCount, UInt64(CommitLogFile.headerByteCount))))
            if let range = CommitLogFile.range(header), range.base == base, range.byteCount >= byteCount {
                ranges.append(range)
                continue
            }
            quarantine.note(path, 0..<UInt64(header.count), "its header is damaged; its frames are read all the same")
            // Frames are known by their positions. Where those of the file before ended is not known: at its end.
            ranges.append(
                LogFileRange(
                    base: base,
                    byteCount: max(byteCount, UInt64(CommitLogFile.headerByteCount)),
                    previousEnd: ranges.last?.end ?? base
                )
            )
        }
    }
}
