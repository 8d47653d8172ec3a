import Synchronization

/// The files of the commit log. Written by the flusher alone; given free by who takes checkpoints.
final class CommitLog: Sendable {
    private struct State {
        /// In order; the last is written to.
        var ranges: [LogFileRange]
        var current: any StorageFile
        /// Used files that are kept for the next ones: their blocks are written, so that fdatasync has no metadata to write.
        var spares: [SpareLogFile]
    }

    private let paths: StorePaths
    private let files: any FileSystem
    private let state: Mutex<State>

    init(
        _ paths: StorePaths,
        _ files: any FileSystem,
        ranges: [LogFileRange],
        current: any StorageFile,
        spares: [SpareLogFile]
    ) {
        self.paths = paths
        self.files = files
        state = Mutex(State(ranges: ranges, current: current, spares: spares))
    }

    /// The bytes of all its files.
    var byteCount: UInt64 {
        state.withLock { state in
            state.ranges.reduce(state.spares.reduce(0) { $0 + $1.byteCount }) { $0 + $1.byteCount }
        }
    }

    /// The file that is written to.
    var currentRange: LogFileRange? { state.withLock { $0.ranges.last } }

    /// Makes a first or next file.
    static func makeFile(_ range: LogFileRange, _ paths: StorePaths, _ files: any FileSystem) throws(FileFailure)
        -> any StorageFile
    {
        do {
            let file = try files.open(paths.newLogFile, .create)
            try file.allocate(byteCount: range.byteCount)
            try file.write(CommitLogFile.header(range), at: 0)
            try file.synchronize()
            try files.rename(paths.newLogFile, to: paths.logFile(base: range.base))
            try files.synchronizeDirectory(paths.log)
            return file
        } catch {
            try? files.remove(paths.newLogFile)
            throw error
        }
    }

    private func beginFile(_ range: LogFileRange) throws(FileFailure) {
        let file: any StorageFile
        let spare = state.withLock { state -> SpareLogFile? in
            guard let at = state.spares.firstIndex(where: { $0.byteCount == range.byteCount }) else { return nil }
            return state.spares.remove(at: at)
        }
        if let spare {
            let path = paths.log + "/" + spare.name
            file = try files.open(path, .readWrite)
            try file.write(CommitLogFile.header(range), at: 0)
            try file.synchronizeData()
            try files.rename(path, to: paths.logFile(base: range.base))
            try files.synchronizeDirectory(paths.log)
        } else {
            file = try Self.makeFile(range, paths, files)
        }
        state.withLock { state in
            state.ranges.append(range)
            state.current = file
        }
    }

    /// Writes a group and makes it durable. Afterwards it is, or nothing is known of it.
    func write(_ group: FrameGroup) throws(CommitFailure) {
        do {
            if let range = group.newFile { try beginFile(range) }
        } catch {
            throw error.isFull ? .full(error) : .broken(error)
        }
        guard group.buffer.count > 0 else { return }
        let (file, base) = state.withLock { ($0.current, $0.ranges.last?.base ?? 0) }
        let offset = group.startPosition - base
        do {
            try file.write(group.buffer.bytes, at: offset)
        } catch {
            // What was written of it must not be taken for durable at the next start.
            try? file.write([UInt8](repeating: 0, count: min(FrameHeader.byteCount, group.buffer.count)), at: offset)
            throw error.isFull ? .full(error) : .broken(error)
        }
        do {
            try file.synchronizeData()
        } catch {
            throw .broken(error)
        }
    }

    /// Gives free the files that lie wholly before a position; a few are kept for use as the next.
    func release(before position: UInt64, spareByteCount: UInt64) throws(FileFailure) {
        while true {
            let (oldest, spareCount) = state.withLock { state -> (LogFileRange?, Int) in
                guard state.ranges.count > 1, let first = state.ranges.first, state.ranges[1].previousEnd <= position
                else { return (nil, 0) }
                return (first, state.spares.count)
            }
            guard let oldest else { return }
            let path = paths.logFile(base: oldest.base)
            let isKept = spareCount < SpareLogFile.maximumCount && oldest.byteCount == spareByteCount
            let spare = SpareLogFile(base: oldest.base, byteCount: oldest.byteCount)
            if isKept {
                try files.rename(path, to: paths.log + "/" + spare.name)
            } else {
                try files.remove(path)
            }
            // Gone under that name, whatever comes of the rest.
            state.withLock { _ = $0.ranges.removeFirst() }
            guard isKept else { continue }
            // One whose new name might not last must not be written over: the next start finds it.
            try files.synchronizeDirectory(paths.log)
            state.withLock { $0.spares.append(spare) }
        }
    }
}

/// A used file of the log, kept for the next.
struct SpareLogFile: Sendable {
    /// As many as a log under load needs beside those that no checkpoint covers yet.
    static let maximumCount = 3
    static let prefix = "spare-"

    let name: String
    let byteCount: UInt64

    init(base: UInt64, byteCount: UInt64) {
        self.init(name: Self.prefix + StorePaths.hexadecimal(base), byteCount: byteCount)
    }

    init(name: String, byteCount: UInt64) {
        self.name = name
        self.byteCount = byteCount
    }
}

/// Why a group was not made durable.
enum CommitFailure: Error {
    /// There was no room; there may be later.
    case full(FileFailure)
    /// Whether it is durable cannot be known.
    case broken(FileFailure)

    var asStoreError: StreamStoreError {
        switch self {
        case .full(let failure): .full(failure.description)
        case .broken(let failure): .fenced(failure.description)
        }
    }
}
