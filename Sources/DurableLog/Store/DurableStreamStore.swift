public import Logging
import Synchronization

/// Durable streams in a directory: one shared commit log, segment files per stream, metadata in LMDB.
///
/// ```swift
/// let store = try DurableStreamStore(directory: "/var/lib/collectord/streams")
/// try await store.create("orders")
/// try await store.append(Array("one".utf8), to: "orders")
/// await store.close()
/// ```
///
/// One process at a time. A store that is not closed is as one whose process was killed: nothing acknowledged is lost.
public final class DurableStreamStore: LocalStreamStore, @unchecked Sendable {
    /// What was found and done when the store was opened.
    public let recovery: RecoveryReport

    private let metadata: any MetadataStore
    private let flusher: Flusher
    private let maintenance: Maintenance
    private let readers: ReaderPool
    private let quarantine: Quarantine
    /// The directory's lock; `nil` once the store was closed.
    private let lock: Mutex<(any Sendable)?>

    /// Opens the store in a directory, which is made if it is not there; recovers what the last process left.
    ///
    /// - Throws: one sentence with path, reason and remedy.
    public convenience init(
        directory: String,
        limits: StoreLimits = StoreLimits(),
        clock: StoreClock = .system,
        logger: Logger = Logger(label: "durable-log")
    ) throws(StoreOpenError) {
        try self.init(directory: directory, limits: limits, clock: clock, logger: logger, files: SystemFiles()) {
            paths throws(MetadataFailure) in try LMDBMetadataStore(path: paths.metadata)
        }
    }

    init(
        directory root: String,
        limits: StoreLimits,
        clock: StoreClock,
        logger: Logger,
        files: any FileSystem,
        openMetadata: (StorePaths) throws(MetadataFailure) -> any MetadataStore
    ) throws(StoreOpenError) {
        let directory = try StoreDirectory(root, files)
        let paths = directory.paths
        let quarantine = Quarantine(paths, files) { note in
            logger.error(
                "Damage found",
                metadata: ["place": "\(note.place)", "bytes": "\(note.byteRange)", "what": "\(note.what)"]
            )
        }
        let time = clock.now()
        do {
            let (metadata, loaded) = try Self.openMetadata(paths, files, quarantine, openMetadata)
            // The log is given free for what is in the metadata's file: it must not vanish.
            try files.synchronizeDirectory(paths.metadata)
            let logFiles = try LogFiles(paths, files, quarantine)
            var recovery = try StoreRecovery(paths, files, loaded, logFiles, quarantine, limits: limits, time: time)
            let log = try Self.openLog(paths, files, logFiles, &recovery, limits)
            recovery.noteDamage()
            var core = recovery.core
            let keyRuns = KeyRuns(paths, files, quarantine, named: loaded?.soundKeyRuns)
            core.olderKey = { keyRuns.entry(of: $0) }
            core.statistics.commitLogByteCount = log.byteCount
            let position = recovery.report.isRebuilt ? 0 : loaded?.mark.position ?? 0
            let changed = loaded == nil || recovery.report.isRebuilt ? core.runtimes.flatMap { $0?.segments ?? [] } : []

            let index = SegmentIndex(metadata)
            let reader = SegmentReader(
                paths,
                files,
                index,
                quarantine,
                maximumOpenCount: limits.maximumOpenSegmentCount
            )
            readers = ReaderPool(reader, threadCount: limits.readerThreadCount)
            let signal = ThreadSignal()
            let engine = StoreEngine(core, clock: clock, flusherSignal: signal, segmentReader: readers)
            let maintenance = Maintenance(engine) { failure in
                logger.error("No checkpoint was taken", metadata: ["reason": "\(failure)"])
            }
            flusher = Flusher(engine, log, signal) { maintenance.wake() }
            self.maintenance = maintenance
            self.metadata = metadata
            lock = Mutex(directory.lock)
            self.quarantine = quarantine
            self.recovery = recovery.report
            super.init(engine)
            flusher.start()
            maintenance.start(
                Checkpointer(
                    engine,
                    log,
                    metadata,
                    index,
                    keyRuns,
                    reader,
                    SegmentWriter(paths, files, limits),
                    position: position,
                    changed: changed
                ),
                // After damage, a file that nothing names may be what is left of something.
                removingOrphans: recovery.report.damage.isEmpty
            )
            if core.uncopiedByteCount >= limits.copyByteCount { maintenance.wake() }
        } catch let error as FileFailure {
            throw StoreOpenError(error.description)
        } catch let error as MetadataFailure {
            throw StoreOpenError(error.description)
        } catch {
            throw StoreOpenError("\(root): \(error)")
        }
    }

    /// Opens the metadata; what cannot be opened is set aside, and the store is rebuilt.
    private static func openMetadata(
        _ paths: StorePaths,
        _ files: any FileSystem,
        _ quarantine: Quarantine,
        _ open: (StorePaths) throws(MetadataFailure) -> any MetadataStore
    ) throws -> (any MetadataStore, LoadedMetadata?) {
        // What could be read, when the rest could not.
        var remains: LoadedMetadata?
        do throws(MetadataFailure) {
            let metadata = try open(paths)
            do throws(MetadataFailure) {
                let loaded = try metadata.load()
                guard let loaded, loaded.damagedCount > 0 else { return (metadata, loaded) }
                remains = loaded
                throw MetadataFailure(description: "\(loaded.damagedCount) records are damaged", isDamage: true)
            } catch {
                metadata.close()
                throw error
            }
        } catch {
            // What is only out of reach must not be set aside.
            guard error.isDamage else { throw error }
            quarantine.note(
                paths.metadata,
                0..<0,
                "\(error.description); set aside, and made anew from segments and log"
            )
            try files.makeDirectory(paths.quarantine)
            var number = 1
            let names = Set(try files.list(paths.quarantine))
            while names.contains("streams.db-\(number)") { number += 1 }
            try files.rename(paths.metadata, to: "\(paths.quarantine)/streams.db-\(number)")
            try files.makeDirectory(paths.metadata)
            try files.synchronizeDirectory(paths.root)
            return (try open(paths), remains)
        }
    }

    private static func openLog(
        _ paths: StorePaths,
        _ files: any FileSystem,
        _ logFiles: LogFiles,
        _ recovery: inout StoreRecovery,
        _ limits: StoreLimits
    ) throws(FileFailure) -> CommitLog {
        let current: any StorageFile
        if let last = recovery.ranges.last, recovery.position <= last.end {
            current = try files.open(paths.logFile(base: last.base), .readWrite)
            recovery.goOn(in: last)
        } else {
            // A new store, or one whose log is gone or older than its metadata.
            let base = (recovery.position + 4095) & ~4095
            let range = LogFileRange(
                base: base,
                byteCount: UInt64(max(limits.commitLogFileByteCount, 2 * CommitLogFile.headerByteCount)),
                previousEnd: recovery.position
            )
            current = try CommitLog.makeFile(range, paths, files)
            recovery.goOn(in: range)
        }
        return CommitLog(
            paths,
            files,
            ranges: recovery.ranges,
            current: current,
            spares: logFiles.spares
        )
    }

    override var damageCount: UInt64 { quarantine.count }

    /// Places that were found damaged since the start, the first hundred.
    public var damage: [DamageNote] { quarantine.list }

    /// Copies, checkpoints, releases and expires at once what would be in its time, and calls back when that is done.
    public override func maintain(completion: @escaping StoreCompletion<Void>) {
        maintenance.request(completion)
    }

    /// Writes what waits, ends all waits, takes a checkpoint and gives the directory free.
    public override func close(completion: @escaping @Sendable () -> Void) {
        StoreThread.start("log closing") {
            self.end(withCheckpoint: true)
            completion()
        }
    }

    /// Ends as if the process had been killed, but for what the system still has to write.
    func abandon() { end(withCheckpoint: false) }

    private func end(withCheckpoint: Bool) {
        let held = lock.withLock { lock in
            let held = lock
            lock = nil
            return held
        }
        guard let held else { return }
        let callbacks = engine.core.withLock { core in
            core.isClosed = true
            return core.endAllWaits()
        }
        callbacks.run()
        flusher.stop()
        maintenance.stop(withCheckpoint: withCheckpoint)
        readers.stop()
        engine.core.withLock { $0.olderKey = { _ in nil } }
        metadata.close()
        withExtendedLifetime(held) {}
    }
}
