import Synchronization

/// Looks into the directory of a store that nobody has open, and never writes to it.
///
/// ```swift
/// let inspector = try StoreInspector(directory: "/var/lib/collectord/streams")
/// for stream in inspector.streams() { print(stream.name, stream.tail) }
/// let report = inspector.check { print("\($0.doneByteCount) of \($0.totalByteCount)") }
/// ```
public final class StoreInspector: Sendable {
    /// What a start would find and do.
    public let recovery: RecoveryReport

    let paths: StorePaths
    let files: any FileSystem
    let quarantine: Quarantine
    let core: Mutex<StoreCore>
    let ranges: [LogFileRange]
    private let lock: any Sendable
    private let metadata: (any MetadataStore)?
    private let reader: SegmentReader
    private let clock: StoreClock
    /// The runs of keys that the metadata names.
    let keyRuns: [UInt64]?

    /// Opens a store's directory for looking.
    ///
    /// - Throws: one sentence, also when a process has the store open.
    public init(directory: String, clock: StoreClock = .system) throws(StoreOpenError) {
        let files = ReadOnlyFiles()
        let paths = StorePaths(root: directory)
        let quarantine = Quarantine(paths, files) { _ in }
        do {
            lock = try files.lock(paths.lock)
            let text = String(decoding: try files.open(paths.format, .read).bytes(at: 0, count: 200), as: UTF8.self)
            guard text == StoreDirectory.formatText else {
                throw StoreOpenError("\(paths.format): not a version that this program knows (version 1)")
            }
            let metadata: LMDBMetadataStore?
            do throws(MetadataFailure) {
                metadata = try LMDBMetadataStore(path: paths.metadata, isReadOnly: true)
            } catch {
                metadata = nil
                quarantine.note(paths.metadata, 0..<0, "\(error.description); looked at without it")
            }
            self.metadata = metadata
            var loaded: LoadedMetadata?
            do throws(MetadataFailure) { loaded = try metadata?.load() } catch {
                quarantine.note(paths.metadata, 0..<0, "\(error.description); looked at without it")
            }
            var recovery = try StoreRecovery(
                paths,
                files,
                loaded,
                try LogFiles(paths, files, quarantine),
                quarantine,
                limits: StoreLimits(),
                time: clock.now()
            )
            recovery.noteDamage()
            self.recovery = recovery.report
            ranges = recovery.ranges
            keyRuns = loaded?.soundKeyRuns
            core = Mutex(recovery.core)
        } catch let error as FileFailure {
            throw StoreOpenError(error.description)
        } catch let error as StoreOpenError {
            throw error
        } catch {
            throw StoreOpenError("\(directory): \(error)")
        }
        self.paths = paths
        self.files = files
        self.quarantine = quarantine
        self.clock = clock
        let metadata: any MetadataStore = metadata ?? NoMetadata()
        reader = SegmentReader(paths, files, SegmentIndex(metadata), quarantine, maximumOpenCount: 16)
    }

    deinit { metadata?.close() }

    /// All streams that could be read, in order of their names.
    public func streams() -> [StreamStatus] {
        let time = clock.now()
        return core.withLock { core in
            core.durable.names.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
                if case .success(let status) = core.status(of: name, time) { status } else { nil }
            }
        }
    }

    /// A page of whole messages.
    public func read(_ name: String, from offset: StreamOffset, maximumByteCount: Int = 4 << 20)
        -> Result<StreamPage, StreamStoreError>
    {
        let time = clock.now()
        let plan = core.withLock { core in
            core.planRead(name, from: offset, maximumByteCount: maximumByteCount, time)
        }
        return plan.flatMap { reader.page($0, true) }
    }

    /// Places that were found damaged so far, the first hundred.
    public var damage: [DamageNote] { quarantine.list }
}

/// Stands for metadata that cannot be read.
private struct NoMetadata: MetadataStore {
    func load() throws(MetadataFailure) -> LoadedMetadata? { nil }
    func commit(_ changes: MetadataChanges) throws(MetadataFailure) {
        throw MetadataFailure(description: "there is no metadata to write to")
    }
    func indexedOffset(_ segment: SegmentKey, atOrBefore position: UInt64) -> UInt64? { nil }
    func close() {}
}
