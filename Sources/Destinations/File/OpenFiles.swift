import Collector
import Logging

/// The files that a destination has open: at most so many, the least recently used is closed. Not safe for several
/// threads; every call may block.
final class OpenFiles {
    let settings: FileSettings
    let header: [UInt8]
    let time: CollectorTime
    let logger: Logger
    /// `fdatasync(2)`, or what a test puts in its place.
    let systemSynchronize: @Sendable (Int32) -> Int32
    /// Hears of a file that was put away.
    let onRotation: @Sendable (FilePlace) -> Void
    var ages = FileAges()
    /// When what was written is to be synchronized, by the monotonic clock; nil if nothing waits for it.
    private(set) var synchronizationMilliseconds: Int?
    private var files: [String: OpenFile] = [:]
    private var useCount = 0

    /// How long somebody else may hold a file.
    static let lockPatienceMilliseconds = 2000
    /// How often a file may be moved away while it is being opened.
    private static let maximumAttemptCount = 8

    init(
        settings: FileSettings,
        header: [UInt8],
        time: CollectorTime,
        logger: Logger,
        systemSynchronize: @escaping @Sendable (Int32) -> Int32,
        onRotation: @escaping @Sendable (FilePlace) -> Void
    ) {
        self.settings = settings
        self.header = header
        self.time = time
        self.logger = logger
        self.systemSynchronize = systemSynchronize
        self.onRotation = onRotation
    }

    /// Opens a file to see that it can be written to.
    func probe(_ place: FilePlace) throws(WriteFailure) {
        let file = try locked(place)
        defer { file.unlock() }
        watchAge(of: file)
    }

    /// Appends lines, putting the file away in between where its size or age asks for it.
    func append(_ append: FileAppend) -> FileAppend.Result {
        var writtenCount = 0
        do throws(WriteFailure) {
            try write(append, &writtenCount)
            return FileAppend.Result(writtenCount: writtenCount, failure: nil)
        } catch {
            return FileAppend.Result(writtenCount: writtenCount, failure: error)
        }
    }

    private func write(_ append: FileAppend, _ writtenCount: inout Int) throws(WriteFailure) {
        var file = try locked(append.place)
        defer { file.unlock() }
        let now = time.nowMilliseconds()
        var rotation = settings.rotation
        while writtenCount < append.lineEnds.count {
            // Asked anew each time: somebody else may have filled the new file meanwhile.
            let step = rotation.step(
                for: append.lineEnds,
                from: writtenCount,
                headerByteCount: header.count,
                file: file.state,
                nowMilliseconds: now
            )
            switch step {
            case .rotate:
                if try putAway(file) {
                    file = try locked(append.place)
                } else {
                    rotation = FileRotation()
                }
            case .append(let lines):
                try file.append(append.text(of: lines), header: header, nowMilliseconds: now)
                try settle(file)
                writtenCount = lines.upperBound
            }
        }
    }

    /// What the settings ask for once lines are written.
    private func settle(_ file: OpenFile) throws(WriteFailure) {
        watchAge(of: file)
        switch settings.durability {
        case .batch: try synchronize(file)
        case .interval(let milliseconds):
            if synchronizationMilliseconds == nil {
                synchronizationMilliseconds = time.monotonicMilliseconds() + milliseconds
            }
        case .never: break
        }
    }

    // MARK: Opening and closing

    /// The file, open, locked and ending in a whole line; it is created if there is none.
    func locked(_ place: FilePlace) throws(WriteFailure) -> OpenFile {
        guard let file = try locked(place, creates: true) else {
            throw WriteFailure("was not created", isTransient: true)
        }
        return file
    }

    /// The same; nil if there is no file and none is to be created.
    func locked(_ place: FilePlace, creates: Bool) throws(WriteFailure) -> OpenFile? {
        for _ in 0..<Self.maximumAttemptCount {
            guard let file = try opened(place, creates: creates) else { return nil }
            guard file.lock(patienceMilliseconds: Self.lockPatienceMilliseconds) else {
                throw WriteFailure(
                    "is locked by another process; end it, or name another file",
                    isTransient: true
                )
            }
            if file.isCurrent {
                do throws(WriteFailure) {
                    let cutByteCount = try file.settle(headerByteCount: header.count)
                    if cutByteCount > 0 { noteCut(cutByteCount, of: file) }
                } catch {
                    file.unlock()
                    throw error
                }
                return file
            }
            closeNoting(file)
        }
        throw WriteFailure("was moved away again and again while it was opened", isTransient: true)
    }

    private func opened(_ place: FilePlace, creates: Bool) throws(WriteFailure) -> OpenFile? {
        useCount += 1
        if let file = files[place.path] {
            file.lastUse = useCount
            return file
        }
        if files.count >= settings.maximumOpenFileCount,
            let oldest = files.values.min(by: { $0.lastUse < $1.lastUse })
        {
            closeNoting(oldest)
        }
        let file = try OpenFile(
            place,
            mode: settings.mode,
            creates: creates,
            hasRows: settings.format == .csv
        )
        guard let file else { return nil }
        file.lastUse = useCount
        files[place.path] = file
        if settings.durability != .never {
            do throws(WriteFailure) {
                try file.synchronizeName()
            } catch {
                close(file)
                throw error
            }
        }
        return file
    }

    private func close(_ file: OpenFile) {
        files[file.place.path] = nil
        file.close()
    }

    /// Closes a file after what was reported as delivered is as safe as the settings promise.
    private func closeNoting(_ file: OpenFile) {
        if settings.durability != .never { synchronizeNoting(file) }
        close(file)
    }

    /// Closes all files.
    func closeAll() {
        for file in Array(files.values) { closeNoting(file) }
        synchronizationMilliseconds = nil
        ages = FileAges()
    }

    /// How long until a file is to be synchronized or its age passes; nil if there is nothing to wait for.
    var millisecondsUntilDue: Int? {
        let synchronization = synchronizationMilliseconds.map { $0 - time.monotonicMilliseconds() }
        let age = ages.firstMilliseconds.map { $0 - time.nowMilliseconds() }
        return [synchronization, age].compactMap { $0 }.min().map { max(1, $0) }
    }

    // MARK: Synchronizing

    /// Synchronizes a file; one that fails is closed, since a second attempt would report success without reason.
    private func synchronize(_ file: OpenFile) throws(WriteFailure) {
        do throws(WriteFailure) {
            try file.synchronize(with: systemSynchronize)
        } catch {
            close(file)
            throw WriteFailure(error.description, isTransient: true)
        }
    }

    /// Synchronizes a file whose events were reported as delivered before.
    private func synchronizeNoting(_ file: OpenFile) {
        do throws(WriteFailure) {
            try synchronize(file)
        } catch {
            logger.error(
                "file not synchronized: delivered events may be lost if power fails",
                metadata: ["file": "\(settings.label(of: file.place))", "error": "\(error)"]
            )
        }
    }

    /// Synchronizes everything if the time for it has come.
    func synchronizeDue() {
        guard let due = synchronizationMilliseconds, time.monotonicMilliseconds() >= due else { return }
        synchronizationMilliseconds = nil
        for file in Array(files.values) where file.isDirty { synchronizeNoting(file) }
    }

    // MARK: Rotation

    /// Gives the file another name and closes it.
    ///
    /// - Returns: Whether that could be done; otherwise lines go on into the same file, and a log says so once.
    func putAway(_ file: OpenFile) throws(WriteFailure) -> Bool {
        if settings.durability != .never { try synchronize(file) }
        do throws(WriteFailure) {
            try RotatedFiles.putAway(file.place.name, in: file.folder, nowMilliseconds: time.nowMilliseconds())
        } catch {
            if !file.isStuck {
                logger.error(
                    "file not rotated; lines go on into it",
                    metadata: ["file": "\(settings.label(of: file.place))", "error": "\(error)"]
                )
            }
            file.isStuck = true
            return false
        }
        close(file)
        onRotation(file.place)
        return true
    }

    private func noteCut(_ byteCount: Int, of file: OpenFile) {
        logger.warning(
            "an unfinished line was cut off; its event was never reported as delivered",
            metadata: ["file": "\(settings.label(of: file.place))", "bytes": "\(byteCount)"]
        )
    }
}
