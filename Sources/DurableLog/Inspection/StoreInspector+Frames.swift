import Synchronization

/// One frame of a file, without its messages.
public struct FrameSummary: Hashable, Sendable {
    /// The file, below the store's directory.
    public var file: String
    /// Where in the file.
    public var byteRange: Range<UInt64>
    /// `append`, `create`, `delete`, `touch`, `trim`, `cursor` or `retention`.
    public var kind: String
    /// The identifier of the stream.
    public var stream: UInt64
    /// Where the stream ended before, and after.
    public var start: StreamOffset
    /// Where the stream ends after it.
    public var end: StreamOffset
    /// Its messages.
    public var messageCount: Int
    /// When it was written, in milliseconds since 1970.
    public var milliseconds: UInt64
    /// Whether it closes the stream.
    public var closes: Bool
}

/// What a file holds, frame by frame.
public enum FileFinding: Hashable, Sendable {
    /// A frame that is whole.
    case frame(FrameSummary)
    /// Bytes that are no frame, where there should be one.
    case damage(DamageNote)
}

extension StoreInspector {
    /// All files that hold frames, below the store's directory: segments, then the commit log.
    public func fileNames() -> [String] {
        var names: [String] = []
        for directory in ((try? files.list(paths.segments)) ?? []).sorted() {
            for name in ((try? files.list(paths.segments + "/" + directory)) ?? []).sorted()
            where name.hasSuffix(".seg") {
                names.append("segments/\(directory)/\(name)")
            }
        }
        return names + ranges.map { "log/\(StorePaths.hexadecimal($0.base)).log" }
    }

    /// Looks through a file; ends when the body says `false`.
    public func frames(of file: String, _ body: (FileFinding) -> Bool) throws(StoreOpenError) {
        do {
            let opened = try files.open(paths.root + "/" + file, .read)
            let bytes = try opened.bytes(at: 0, count: Int(try opened.byteCount()))
            if file.hasPrefix("log/") { scanLog(file, bytes, body) } else { scanSegment(file, bytes, body) }
        } catch {
            throw StoreOpenError("\(error)")
        }
    }

    private func scanLog(_ file: String, _ bytes: [UInt8], _ body: (FileFinding) -> Bool) {
        guard let name = file.split(separator: "/").last, let base = StorePaths.logFileBase(String(name)),
            let number = ranges.firstIndex(where: { $0.base == base })
        else { return }
        let next = number + 1 < ranges.count ? ranges[number + 1].previousEnd : nil
        var scan = LogScan(from: base, groupNumber: 0)
        var goesOn = true
        bytes.withUnsafeBytes { buffer in
            scan.scan(buffer, ranges[number], nextEnd: next) { finding in
                guard goesOn else { return }
                switch finding {
                case .frame(let frame):
                    goesOn = body(.frame(Self.summary(frame, file, at: frame.header.logPosition - base)))
                case .damage(let range, _):
                    goesOn = body(
                        .damage(
                            DamageNote(
                                place: file,
                                byteRange: range.lowerBound - base..<range.upperBound - base,
                                what: "damaged"
                            )
                        )
                    )
                case .tornTail(let range, let frameCount, _) where frameCount > 0:
                    goesOn = body(
                        .damage(
                            DamageNote(
                                place: file,
                                byteRange: range.lowerBound - base..<range.upperBound - base,
                                what: "a torn frame and \(frameCount) behind it"
                            )
                        )
                    )
                case .tornTail: break
                }
            }
        }
    }

    private func scanSegment(_ file: String, _ bytes: [UInt8], _ body: (FileFinding) -> Bool) {
        guard let name = file.split(separator: "/").last, let (stream, base) = StorePaths.segmentName(String(name))
        else {
            return
        }
        // Behind what is noted may be what was copied after the last checkpoint.
        let noted = core.withLock { core in
            core.durable.slots[stream].flatMap { core.runtimes[$0]?.segments.first { $0.base == base } }
        }
        bytes.withUnsafeBytes { buffer in
            let end = min(buffer.count, noted.map { Int($0.byteCount) } ?? buffer.count)
            var position = base
            var at = 0
            if let header = SegmentFile.header(buffer) {
                at = header.byteCount
            } else if !body(.damage(DamageNote(place: file, byteRange: 0..<64, what: "its header is damaged"))) {
                return
            }
            while at < end {
                if let frame = SegmentFile.frame(buffer, at: at, of: stream) {
                    guard body(.frame(Self.summary(frame, file, at: UInt64(at)))) else { return }
                    position = frame.streamEnd
                    at += frame.header.paddedLength
                    continue
                }
                let next = SegmentFile.nextFrame(buffer, after: at, of: stream, from: position) ?? end
                let note = DamageNote(place: file, byteRange: UInt64(at)..<UInt64(max(next, at)), what: "damaged")
                guard body(.damage(note)) else { return }
                at = max(next, at + 1)
            }
            if let noted, UInt64(buffer.count) < noted.byteCount {
                let note = DamageNote(
                    place: file,
                    byteRange: UInt64(buffer.count)..<noted.byteCount,
                    what: "the file is cut short"
                )
                _ = body(.damage(note))
            }
        }
    }

    private static func summary(_ frame: FrameView, _ file: String, at offset: UInt64) -> FrameSummary {
        let hasMessages = frame.header.kind == .append || frame.header.kind == .create
        return FrameSummary(
            file: file,
            byteRange: offset..<offset + UInt64(frame.header.length),
            kind: "\(frame.header.kind)",
            stream: frame.header.stream,
            start: StreamOffset(position: frame.header.streamPosition),
            end: StreamOffset(position: hasMessages ? frame.streamEnd : frame.header.streamPosition),
            messageCount: frame.messageCount,
            milliseconds: frame.header.milliseconds,
            closes: frame.header.flags & FrameHeader.Flag.closes != 0
        )
    }
}
