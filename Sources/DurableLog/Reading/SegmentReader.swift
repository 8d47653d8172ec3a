/// Makes pages of segment files and memory. Every frame's checksum is looked at; a damaged place is set aside, and what
/// is behind it is read.
final class SegmentReader: Sendable {
    private let paths: StorePaths
    private let files: any FileSystem
    private let cache: DescriptorCache
    private let index: SegmentIndex
    private let quarantine: Quarantine

    init(
        _ paths: StorePaths,
        _ files: any FileSystem,
        _ index: SegmentIndex,
        _ quarantine: Quarantine,
        maximumOpenCount: Int
    ) {
        self.paths = paths
        self.files = files
        self.index = index
        self.quarantine = quarantine
        cache = DescriptorCache(maximumCount: maximumOpenCount)
    }

    func forget(_ key: SegmentKey) { cache.forget(key) }

    func page(_ plan: ReadPlan, _ passesOverMissingFiles: Bool) -> Result<StreamPage, StreamStoreError> {
        var builder = PageBuilder(plan)
        do throws(FileFailure) {
            var reached = plan.from
            for (piece, upper) in plan.pieces where !builder.isFull {
                noteGap(from: reached, to: piece)
                reached = upper
                switch piece {
                case .memory(let frame):
                    builder.begin(at: frame.start)
                    if let view = FrameView(trusting: frame.bytes) { builder.take(view, upper: upper) }
                    builder.finish(upTo: upper)
                case .segment(let record):
                    do throws(FileFailure) {
                        try read(record, upper: upper, into: &builder)
                    } catch {
                        guard error.isMissing, passesOverMissingFiles else { throw error }
                        quarantine.note(
                            paths.segment(stream: record.stream, base: record.base),
                            0..<record.byteCount,
                            "the file is missing; its messages are lost"
                        )
                        builder.begin(at: max(record.base, builder.position))
                        builder.finish(upTo: upper)
                    }
                }
            }
        } catch {
            return .failure(error.isMissing ? .gone(earliest: .zero) : .unreadable(error.description))
        }
        return .success(builder.page(plan))
    }

    /// What lies between two pieces is nowhere; nobody shall have to find that out by counting.
    private func noteGap(from position: UInt64, to piece: ReadPlan.Piece) {
        let (stream, start) =
            switch piece {
            case .memory(let frame): (FrameView(trusting: frame.bytes)?.header.stream ?? 0, frame.start)
            case .segment(let record): (record.stream, record.base)
            }
        guard start > position else { return }
        quarantine.note(
            "stream \(stream)",
            position..<start,
            "no file holds these positions; their messages are lost"
        )
    }

    private func read(_ record: SegmentRecord, upper: UInt64, into builder: inout PageBuilder) throws(FileFailure) {
        let path = paths.segment(stream: record.stream, base: record.base)
        let files = files
        let file = try cache.file(record.key) { () throws(FileFailure) in try files.open(path, .read) }
        let wanted = builder.position
        var offset: UInt64
        if wanted > record.base, let indexed = index.offset(record.key, atOrBefore: wanted), indexed < record.byteCount
        {
            offset = indexed
        } else {
            let start = try file.bytes(at: 0, count: Int(min(record.byteCount, 64 << 10)))
            guard let header = start.withUnsafeBytes({ SegmentFile.header($0) }), header.definition.id == record.stream
            else {
                // The header tells nothing that is not known; the frames are found without it.
                builder.begin(at: record.base)
                try resynchronize(file, path, record, from: 0, upper: upper, &builder)
                return
            }
            builder.begin(at: record.base)
            offset = UInt64(header.byteCount)
        }
        var chunkByteCount = min(1 << 20, max(64 << 10, builder.maximumByteCount))
        while offset < record.byteCount, !builder.isFull, builder.position < upper {
            let wantedByteCount = min(chunkByteCount, Int(record.byteCount - offset))
            let bytes = try file.bytes(at: offset, count: wantedByteCount)
            // The file may be shorter than it should be.
            let isLast = offset + UInt64(bytes.count) >= record.byteCount || bytes.count < wantedByteCount
            let (used, isDamaged, needed) = take(bytes, record, upper, isLast: isLast, &builder)
            offset += UInt64(used)
            if isDamaged {
                try resynchronize(file, path, record, from: offset, upper: upper, &builder)
                return
            }
            if bytes.isEmpty { break }
            chunkByteCount = max(chunkByteCount, needed)
        }
        if offset < record.byteCount, !builder.isFull, builder.position < upper {
            quarantine.note(path, offset..<record.byteCount, "the file ends early; its last messages are lost")
        }
        builder.finish(upTo: min(upper, record.end))
    }

    /// Takes the frames of a chunk; a frame that goes beyond it needs a larger one.
    private func take(
        _ bytes: [UInt8],
        _ record: SegmentRecord,
        _ upper: UInt64,
        isLast: Bool,
        _ builder: inout PageBuilder
    ) -> (used: Int, isDamaged: Bool, needed: Int) {
        bytes.withUnsafeBytes { buffer in
            var at = 0
            while at < buffer.count, !builder.isFull, builder.position < upper {
                guard let frame = SegmentFile.frame(buffer, at: at, of: record.stream) else {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[at...])
                    let header = FrameHeader(rest)
                    let isShort =
                        rest.count < FrameHeader.byteCount || header.map { Int($0.length) > rest.count } ?? false
                    if isShort, !isLast { return (at, false, header?.paddedLength ?? 0) }
                    return (at, true, 0)
                }
                builder.take(frame, upper: upper)
                if builder.isFull { return (at, false, 0) }
                at += frame.header.paddedLength
            }
            return (min(at, buffer.count), false, 0)
        }
    }

    /// Goes on behind a damaged place, with all of the rest in memory.
    private func resynchronize(
        _ file: any StorageFile,
        _ path: String,
        _ record: SegmentRecord,
        from offset: UInt64,
        upper: UInt64,
        _ builder: inout PageBuilder
    ) throws(FileFailure) {
        let bytes = try file.bytes(at: offset, count: Int(record.byteCount - offset))
        bytes.withUnsafeBytes { buffer in
            var at = 0
            while at < buffer.count, !builder.isFull, builder.position < upper {
                if let frame = SegmentFile.frame(buffer, at: at, of: record.stream) {
                    builder.take(frame, upper: upper)
                    at += frame.header.paddedLength
                    continue
                }
                let next =
                    SegmentFile.nextFrame(buffer, after: at, of: record.stream, from: builder.position) ?? buffer.count
                quarantine.note(
                    path,
                    offset + UInt64(at)..<offset + UInt64(next),
                    "damaged; set aside, what follows is read",
                    bytes: UnsafeRawBufferPointer(rebasing: buffer[at..<next])
                )
                at = next
            }
        }
        builder.finish(upTo: min(upper, record.end))
    }
}
