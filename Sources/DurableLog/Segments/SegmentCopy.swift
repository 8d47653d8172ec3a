/// What one stream brings to its segments, and how far that has come: which file, what is in it, what to note.
///
/// A value; `SegmentWriter` gives it frames and writes what comes of it.
struct SegmentCopy {
    struct Frame {
        let bytes: UnsafeRawBufferPointer
        let start: UInt64
        let end: UInt64
        let messageCount: UInt64
        let milliseconds: UInt64
    }

    let definition: StreamDefinition
    let policy: RetentionPolicy
    let limits: StoreLimits
    /// The file that is written to.
    private(set) var record: SegmentRecord?
    private(set) var messageCount: UInt64
    private(set) var index: [MetadataChanges.IndexEntry] = []

    init(
        definition: StreamDefinition,
        policy: RetentionPolicy,
        limits: StoreLimits,
        last: SegmentRecord?,
        messageCount: UInt64
    ) {
        self.definition = definition
        self.policy = policy
        self.limits = limits
        record = last
        self.messageCount = messageCount
    }

    /// Whether the frame begins a new file: so that a limit can be held by about an eighth.
    func beginsFile(_ frame: Frame) -> Bool {
        guard let record else { return true }
        guard record.end > record.base else { return false }
        let maximum = min(UInt64(limits.segmentByteCount), (policy.maximumByteCount ?? .max) / 8)
        return record.byteCount + UInt64(frame.bytes.count) > max(maximum, 1)
            || policy.maximumMessageCount.map { record.messageCount >= max(1, $0 / 8) } ?? false
            || policy.maximumAgeMilliseconds.map {
                frame.milliseconds > record.firstMilliseconds && frame.milliseconds - record.firstMilliseconds > $0 / 8
            } ?? false
    }

    /// Begins a file and gives its header.
    mutating func begin(_ frame: Frame) -> [UInt8] {
        let header = SegmentFile.header(definition, base: frame.start, messagesBefore: messageCount)
        record = SegmentRecord(
            stream: definition.id,
            base: frame.start,
            end: frame.start,
            byteCount: UInt64(header.count),
            messageCount: 0,
            messagesBefore: messageCount,
            firstMilliseconds: frame.milliseconds,
            lastMilliseconds: frame.milliseconds,
            indexedByteCount: UInt64(header.count)
        )
        return header
    }

    /// Notes a frame as written behind the others.
    mutating func add(_ frame: Frame) {
        messageCount += frame.messageCount
        guard var record else { return }
        if record.byteCount >= record.indexedByteCount + UInt64(limits.indexByteCount) {
            index.append(
                MetadataChanges.IndexEntry(segment: record.key, position: frame.start, offset: record.byteCount)
            )
            record.indexedByteCount = record.byteCount
        }
        record.end = max(record.end, frame.end)
        record.byteCount += UInt64(FrameHeader.padded(frame.bytes.count))
        record.messageCount += frame.messageCount
        record.lastMilliseconds = max(record.lastMilliseconds, frame.milliseconds)
        self.record = record
    }
}
