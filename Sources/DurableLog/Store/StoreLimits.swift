/// What a store takes on, and when it does its background work.
public struct StoreLimits: Sendable, Equatable {
    /// The messages of one append or creation together, in bytes.
    public var maximumAppendByteCount = 64 << 20
    /// Bytes that wait to be written; beyond it, appends are refused as `overloaded`.
    public var maximumQueuedByteCount = 64 << 20
    /// Bytes that are durable, but not yet in segment files; beyond half of it writing is slowed down, beyond it
    /// appends are refused as `overloaded`.
    public var maximumUncopiedByteCount = 128 << 20
    /// Bytes of recent messages kept in memory for readers.
    public var maximumCachedByteCount = 32 << 20
    /// Bytes of the files of segments and log, metadata and message keys aside; beyond it, appends are refused as `full`. `nil`: as
    /// many as the disk has. Cursors, trims and the like are always taken.
    public var maximumStoreByteCount: UInt64?
    /// Of these, bytes that only appends with `usesReserve` get.
    public var reservedByteCount: UInt64 = 0
    /// A file of the commit log.
    public var commitLogFileByteCount = 64 << 20
    /// A segment file, about.
    public var segmentByteCount = 64 << 20
    /// When so many bytes are durable and not yet in segments, they are copied.
    public var copyByteCount = 8 << 20
    /// When the log has grown by so much since the last checkpoint, the next is taken.
    public var checkpointByteCount = 64 << 20
    /// How often retention, expiry and lazily written cursors are looked after.
    public var maintenanceIntervalMilliseconds = 1_000
    /// How often a store that is written to little takes a checkpoint.
    public var checkpointIntervalMilliseconds = 60_000
    /// Segment files held open, by readers and by the copier each.
    public var maximumOpenSegmentCount = 48
    /// Threads that read segment files.
    public var readerThreadCount = 2
    /// Bytes between two entries of a segment's index.
    public var indexByteCount = 64 << 10
    /// Message keys that a store in memory remembers, and at least half as many; one on a disk has them there.
    public var maximumKeyCountInMemory = 1_000_000

    /// The limits as described.
    public init() {}

    /// Limits of a store that takes so many bytes of the disk, its metadata aside: at least a few megabytes. Its files
    /// are small beside that (a 64th), and an eighth of it, or 512 MiB, is reserved.
    public init(maximumStoreByteCount: UInt64) {
        self.maximumStoreByteCount = maximumStoreByteCount
        reservedByteCount = min(maximumStoreByteCount / 8, 512 << 20)
        let piece = Int(min(max(maximumStoreByteCount / 64, 64 << 10), 64 << 20))
        commitLogFileByteCount = piece
        checkpointByteCount = piece
        segmentByteCount = min(piece, 16 << 20)
        copyByteCount = min(piece / 2, copyByteCount)
    }
}
