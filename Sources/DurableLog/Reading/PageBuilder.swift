/// Gathers whole messages for a page.
struct PageBuilder {
    let from: UInt64
    let maximumByteCount: Int
    private(set) var bytes: [UInt8] = []
    private(set) var messages: [StreamPage.Message] = []
    private(set) var damaged: [Range<StreamOffset>] = []
    /// Behind what was taken, or passed over.
    private(set) var position: UInt64
    private(set) var isFull = false
    /// Where the next frame begins, unless something is missing before it.
    private var expected: UInt64?

    init(_ plan: ReadPlan) {
        from = plan.from
        maximumByteCount = plan.maximumByteCount
        position = plan.from
        bytes.reserveCapacity(min(max(0, plan.maximumByteCount), Int(plan.end - min(plan.end, plan.from))))
    }

    /// What is read next begins here.
    mutating func begin(at position: UInt64) { expected = expected ?? position }

    /// Takes the next frame; what is missing before it is noted.
    mutating func take(_ frame: FrameView, upper: UInt64) {
        let start = frame.header.streamPosition
        if let expected, start > expected { passOver(expected..<min(upper, start)) }
        expected = max(expected ?? 0, frame.streamEnd)
        add(frame, upper: upper)
    }

    /// What was to be read up to a position is read; what is missing before it is noted.
    mutating func finish(upTo end: UInt64) {
        guard !isFull else { return }
        let missing = expected ?? position
        if missing < end { passOver(missing..<end) }
        expected = end
    }

    /// Takes a frame's messages that begin at the wanted offset or behind it, and end at the upper position or before.
    private mutating func add(_ frame: FrameView, upper: UInt64) {
        var start = frame.header.streamPosition
        var at = frame.messagesStart
        for index in 0..<frame.messageCount {
            let count = frame.messageByteCount(index)
            let end = start + UInt64(count) + 1
            guard end <= upper, at + count <= frame.bytes.count else { return }
            if start >= position {
                guard messages.isEmpty || bytes.count + count <= maximumByteCount else {
                    isFull = true
                    return
                }
                let range = bytes.count..<bytes.count + count
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: frame.bytes[at..<at + count]))
                messages.append(
                    StreamPage.Message(
                        range: range,
                        end: StreamOffset(position: end),
                        appendedMilliseconds: frame.header.milliseconds
                    )
                )
                position = end
            }
            start = end
            at += count
        }
    }

    /// Notes that what lies between two positions cannot be read.
    private mutating func passOver(_ range: Range<UInt64>) {
        let range = max(range.lowerBound, position)..<max(range.upperBound, position)
        guard !range.isEmpty else { return }
        damaged.append(StreamOffset(position: range.lowerBound)..<StreamOffset(position: range.upperBound))
        position = range.upperBound
    }

    func page(_ plan: ReadPlan) -> StreamPage {
        let next = isFull ? position : max(position, plan.end)
        // An offset behind the tail is answered with the tail.
        let reached = plan.from > plan.tail ? plan.tail : next
        return StreamPage(
            bytes: bytes,
            messages: messages,
            next: StreamOffset(position: reached),
            tail: StreamOffset(position: plan.tail),
            isAtEnd: plan.isClosed && reached >= plan.tail,
            damaged: damaged
        )
    }
}

extension ReadPlan {
    /// The page, when all of it is in memory.
    func pageFromMemory() -> StreamPage {
        var builder = PageBuilder(self)
        for (piece, upper) in pieces where !builder.isFull {
            guard case .memory(let frame) = piece, let view = FrameView(trusting: frame.bytes) else { continue }
            builder.take(view, upper: upper)
        }
        return builder.page(self)
    }
}
