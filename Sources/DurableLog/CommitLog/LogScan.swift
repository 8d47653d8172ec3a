/// Reads the commit log from a position on: which frames count, what is damaged, where the log ends.
///
/// A file whose successor exists was written to its noted end, and all of it was durable. In the last file, damage is
/// told from a torn tail by a later group: that is written only when all before it is durable. Without one, what is
/// behind the first bad frame was never acknowledged, and is cut.
struct LogScan {
    /// What is found, in order.
    enum Finding {
        case frame(FrameView)
        case damage(Range<UInt64>, UnsafeRawBufferPointer)
        /// Nothing that counts; whether there are frames in it that were not acknowledged.
        case tornTail(Range<UInt64>, frameCount: Int, UnsafeRawBufferPointer)
    }

    /// Behind the last frame that counts.
    private(set) var position: UInt64
    /// The largest group number seen, even in frames that do not count.
    private(set) var groupNumber: UInt64

    init(from position: UInt64, groupNumber: UInt64) {
        self.position = position
        self.groupNumber = groupNumber
    }

    /// Looks through one file's bytes, from the position on.
    ///
    /// - Parameters:
    ///   - bytes: the file's bytes, its header included.
    ///   - nextEnd: where the frames end, as the next file says; `nil` for the last file.
    mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        _ range: LogFileRange,
        nextEnd: UInt64?,
        found: (Finding) throws -> Void
    ) rethrows {
        position = max(position, range.firstFrame)
        let end = min(nextEnd ?? range.end, range.base + UInt64(bytes.count))
        // How far the group numbers of frames that count have come.
        var current = groupNumber
        while position < end {
            if let frame = frame(bytes, at: position, range, end, atLeast: current) {
                current = frame.header.groupNumber
                groupNumber = max(groupNumber, current)
                try found(.frame(frame))
                position += UInt64(frame.header.paddedLength)
                continue
            }
            let (next, isProven, frameCount, last) = search(bytes, range, end, atLeast: current)
            groupNumber = max(groupNumber, last)
            let from = Int(position - range.base)
            if let next, nextEnd != nil || isProven {
                let to = Int(next - range.base)
                try found(.damage(position..<next, UnsafeRawBufferPointer(rebasing: bytes[from..<to])))
                position = next
            } else if nextEnd != nil {
                let to = Int(end - range.base)
                try found(.damage(position..<end, UnsafeRawBufferPointer(rebasing: bytes[from..<to])))
                position = end
            } else {
                try found(
                    .tornTail(
                        position..<end,
                        frameCount: frameCount,
                        UnsafeRawBufferPointer(rebasing: bytes[from..<Int(end - range.base)])
                    )
                )
                return
            }
        }
        // What the file before could not hold of a damaged length.
        if let nextEnd, position < nextEnd {
            try found(.damage(position..<nextEnd, UnsafeRawBufferPointer(start: nil, count: 0)))
            position = nextEnd
        }
    }

    private func frame(
        _ bytes: UnsafeRawBufferPointer,
        at position: UInt64,
        _ range: LogFileRange,
        _ end: UInt64,
        atLeast groupNumber: UInt64
    ) -> FrameView? {
        let from = Int(position - range.base)
        let limit = Int(end - range.base)
        guard limit - from >= FrameHeader.byteCount else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[from..<limit])
        guard let header = FrameHeader(rest), header.logPosition == position, header.groupNumber >= groupNumber,
            header.groupStart <= position, header.paddedLength <= rest.count
        else { return nil }
        return FrameView(checking: rest)
    }

    /// The next frame behind a bad place, and whether one behind it proves that the place had been durable.
    private func search(
        _ bytes: UnsafeRawBufferPointer,
        _ range: LogFileRange,
        _ end: UInt64,
        atLeast groupNumber: UInt64
    ) -> (next: UInt64?, isProven: Bool, frameCount: Int, groupNumber: UInt64) {
        var next: UInt64?
        var frameCount = 0
        var largest = groupNumber
        var at = position + UInt64(FrameHeader.alignment)
        let limit = Int(end - range.base)
        while at + UInt64(FrameHeader.byteCount) <= end {
            let from = Int(at - range.base)
            if bytes.loadUnaligned(fromByteOffset: from, as: UInt32.self) == FrameHeader.magic.littleEndian {
                let header = FrameHeader(UnsafeRawBufferPointer(rebasing: bytes[from..<limit]))
                if let header, header.logPosition == at { largest = max(largest, header.groupNumber) }
                if let frame = frame(bytes, at: at, range, end, atLeast: groupNumber) {
                    next = next ?? at
                    frameCount += 1
                    if frame.header.groupStart > position { return (next, true, frameCount, largest) }
                    at += UInt64(frame.header.paddedLength)
                    continue
                }
            }
            at += UInt64(FrameHeader.alignment)
        }
        return (next, false, frameCount, largest)
    }
}
