/// Makes the states of streams anew from their segment files, when the metadata is lost.
///
/// Lost with it are cursors, changed retention, what was trimmed inside a segment, and streams without messages; what
/// the commit log still has is replayed on top.
struct SegmentRebuild {
    private(set) var states: [UInt64: StreamState] = [:]
    private(set) var segments: [SegmentRecord] = []

    init(_ paths: StorePaths, _ files: any FileSystem, _ quarantine: Quarantine) throws(FileFailure) {
        var found: [(stream: UInt64, base: UInt64)] = []
        for directory in try files.list(paths.segments) {
            guard directory.utf8.count == 2 else { continue }
            found += try files.list(paths.segments + "/" + directory).compactMap(StorePaths.segmentName)
        }
        for name in found.sorted(by: { ($0.stream, $0.base) < ($1.stream, $1.base) }) {
            let path = paths.segment(stream: name.stream, base: name.base)
            let file = try files.open(path, .read)
            let bytes = try file.bytes(at: 0, count: Int(try file.byteCount()))
            bytes.withUnsafeBytes { add($0, name.stream, name.base, path, quarantine) }
        }
    }

    private mutating func add(
        _ bytes: UnsafeRawBufferPointer,
        _ stream: UInt64,
        _ base: UInt64,
        _ path: String,
        _ quarantine: Quarantine
    ) {
        let header = SegmentFile.header(bytes)
        guard let definition = header?.definition ?? states[stream]?.definition, definition.id == stream else {
            quarantine.note(
                path,
                0..<UInt64(bytes.count),
                "its header is damaged, and nothing else says whose it is; left where it is"
            )
            return
        }
        var state =
            states[stream]
            ?? StreamState(
                CreateOperation(
                    definition: definition,
                    retention: .everything,
                    byteCount: 0,
                    messageCount: 0,
                    isClosed: false
                )
            )
        var record = SegmentRecord(
            stream: stream,
            base: base,
            end: base,
            byteCount: UInt64(header?.byteCount ?? 0),
            messageCount: 0,
            messagesBefore: header?.messagesBefore ?? state.messageCount,
            firstMilliseconds: definition.createdMilliseconds,
            lastMilliseconds: definition.createdMilliseconds,
            indexedByteCount: 0
        )
        if states[stream] == nil {
            state.tail = max(base, definition.base)
            state.earliest = base > definition.base ? base : 0
            state.messageCount = record.messagesBefore
            state.releasedMessageCount = record.messagesBefore
        }
        var at = header?.byteCount ?? 0
        while at < bytes.count {
            guard let frame = SegmentFile.frame(bytes, at: at, of: stream), let operation = try? frame.operation()
            else {
                guard let next = SegmentFile.nextFrame(bytes, after: at, of: stream, from: state.tail) else {
                    // Behind the last frame is what was never noted.
                    break
                }
                quarantine.note(path, UInt64(at)..<UInt64(next), "damaged; set aside, what follows is kept")
                at = next
                continue
            }
            guard frame.header.streamPosition >= state.tail else { break }
            switch operation {
            case .append(let append): state.apply(append)
            case .create(let create):
                state = StreamState(create)
            default: break
            }
            at += frame.header.paddedLength
            record.end = state.tail
            record.byteCount = UInt64(min(at, bytes.count))
            record.messageCount += UInt64(frame.messageCount)
            record.lastMilliseconds = max(record.lastMilliseconds, frame.header.milliseconds)
        }
        record.indexedByteCount = record.byteCount
        states[stream] = state
        segments.append(record)
    }
}
