import DequeModule

/// What a stream has beside its state: messages in memory, segment files, readers that wait.
struct StreamRuntime: Sendable {
    let stream: UInt64
    /// Recent frames with messages, in order; what is not yet in a segment is always among them.
    var hot: Deque<HotFrame> = []
    var segments: [SegmentRecord] = []
    /// Own messages that were copied to segments, released ones included.
    var copiedMessageCount: UInt64 = 0
    var waiters: [StreamWaiter] = []
    /// When it was last accessed, by the clock that does not jump.
    var accessMonotonic: UInt64
    /// Whether the metadata has an older state.
    var isChanged = true

    /// Takes a durable append's frame; whether this is the first change since the metadata was written, and whether
    /// anybody waits.
    mutating func take(_ frame: HotFrame, _ time: StoreTime) -> (isFirstChange: Bool, hasWaiters: Bool) {
        if frame.messageCount > 0 { hot.append(frame) }
        accessMonotonic = time.monotonic
        let isFirstChange = !isChanged
        isChanged = true
        return (isFirstChange, !waiters.isEmpty)
    }

    /// Where what is only in memory begins.
    var hotStart: UInt64? { hot.first?.start }
}

/// A durable frame with messages, in memory.
struct HotFrame: Sendable {
    let group: FrameGroup
    let frameStart: Int
    let frameLength: Int
    let start: UInt64
    let end: UInt64
    let messageCount: UInt32
    let milliseconds: UInt64

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: group.buffer.bytes[frameStart..<frameStart + frameLength])
    }
}

/// A reader that waits.
struct StreamWaiter: Sendable {
    let number: UInt64
    let after: UInt64
    let completion: StoreCompletion<WaitOutcome>
}

/// A file with a part of a stream's messages.
struct SegmentRecord: Equatable, Sendable {
    let stream: UInt64
    /// The position of its first message's beginning; with the stream, its name.
    let base: UInt64
    var end: UInt64
    /// Bytes of the file that count.
    var byteCount: UInt64
    var messageCount: UInt64
    /// The stream's own messages before it.
    var messagesBefore: UInt64
    var firstMilliseconds: UInt64
    var lastMilliseconds: UInt64
    /// Where in the file the last index entry points to.
    var indexedByteCount: UInt64
}
