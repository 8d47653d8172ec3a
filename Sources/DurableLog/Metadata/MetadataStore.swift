/// Where the state as of the last checkpoint is. A seam: LMDB in earnest, a value in the tests that lose power.
protocol MetadataStore: Sendable {
    /// What was committed last; `nil` when nothing was.
    func load() throws(MetadataFailure) -> LoadedMetadata?
    /// All of it, or nothing, durably.
    func commit(_ changes: MetadataChanges) throws(MetadataFailure)
    /// The offset in a segment's file of a frame at the position or before, the last that is noted.
    func indexedOffset(_ segment: SegmentKey, atOrBefore position: UInt64) -> UInt64?
    func close()
}

struct MetadataFailure: Error, CustomStringConvertible {
    var description: String
    /// Whether there is no room, which may pass.
    var isFull = false
    /// Whether what is there cannot be made sense of; otherwise it may be whole, and only out of reach.
    var isDamage = false
}

/// Names a segment.
struct SegmentKey: Hashable, Sendable {
    let stream: UInt64
    let base: UInt64
}

/// Up to where the metadata and the segments are the log.
struct CheckpointMark: Equatable, Sendable {
    var position: UInt64
    var groupNumber: UInt64
    var nextStream: UInt64
}

struct LoadedMetadata: Sendable {
    var mark: CheckpointMark
    var streams: [StreamState]
    var segments: [SegmentRecord]
    /// The numbers of the runs of message keys.
    var keyRuns: [UInt64]
    /// Records that could not be read.
    var damagedCount = 0

    /// The runs of keys, if they can be believed to be all.
    var soundKeyRuns: [UInt64]? { damagedCount == 0 ? keyRuns : nil }
}

/// What a checkpoint writes.
struct MetadataChanges: Sendable {
    struct IndexEntry: Equatable, Sendable {
        var segment: SegmentKey
        var position: UInt64
        var offset: UInt64
    }

    var mark: CheckpointMark
    var streams: [StreamState] = []
    var removedStreams: [UInt64] = []
    var segments: [SegmentRecord] = []
    var removedSegments: [SegmentKey] = []
    var index: [IndexEntry] = []
    /// All there are now.
    var keyRuns: [UInt64] = []
}

extension SegmentRecord {
    var key: SegmentKey { SegmentKey(stream: stream, base: base) }

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        for number in [
            stream, base, end, byteCount, messageCount, messagesBefore, firstMilliseconds, lastMilliseconds,
            indexedByteCount,
        ] { writer.write(number) }
        return writer.bytes
    }

    init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
        self.init(
            stream: try reader.read(),
            base: try reader.read(),
            end: try reader.read(),
            byteCount: try reader.read(),
            messageCount: try reader.read(),
            messagesBefore: try reader.read(),
            firstMilliseconds: try reader.read(),
            lastMilliseconds: try reader.read(),
            indexedByteCount: try reader.read()
        )
        guard base <= end else { throw ByteReader.Malformed() }
    }
}
