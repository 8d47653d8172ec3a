import DequeModule

/// All that a store knows, behind one lock.
struct StoreCore {
    var limits: StoreLimits
    /// With everything that was accepted; requests are judged by it.
    var pending = StoreState()
    /// With everything that is durable; readers see it.
    var durable = StoreState()
    /// By the slots of `durable`.
    var runtimes: ContiguousArray<StreamRuntime?> = []
    /// Streams whose metadata is older than their state, and streams that are gone.
    var changedSlots: [Int] = []
    var removedStreams: [UInt64] = []
    /// Segments that no stream has any more; unlinked once the metadata says so too.
    var releasedSegments: [SegmentRecord] = []
    /// Bytes of those whose files are being unlinked.
    var unlinkingByteCount: UInt64 = 0
    var keys = KeyIndex()
    var olderKey: @Sendable (StreamKey) -> KeyEntry? = { _ in nil }

    /// Takes frames.
    var openGroup: FrameGroup
    /// Full ones, each for another file than the next.
    var sealedGroups: Deque<FrameGroup> = []
    /// Whether a group is being written.
    var isWriting = false
    var flusherSleeps = false
    /// Whether the flusher waits for segments to come nearer.
    var flusherPaces = false
    var logFile: LogFileRange
    var queuedByteCount = 0
    /// Durable groups in the order of the log that are not in segments.
    var uncopiedGroups: Deque<FrameGroup> = []
    var uncopiedByteCount = 0
    /// Groups that are in segments and still serve readers.
    var cachedGroups: Deque<FrameGroup> = []
    var cachedByteCount = 0
    /// Where what is durable ends.
    var durablePosition: UInt64

    var fence: StreamStoreError?
    var isClosed = false
    var nextWaiter: UInt64 = 1
    var statistics = StoreStatistics()

    init(limits: StoreLimits, position: UInt64, logFile: LogFileRange, groupNumber: UInt64) {
        self.limits = limits
        self.logFile = logFile
        durablePosition = position
        openGroup = FrameGroup(number: groupNumber, startPosition: position, capacity: 4096)
    }

    /// Whether something was accepted that is not durable yet.
    var isBehind: Bool { isWriting || !sealedGroups.isEmpty || !openGroup.isEmpty }

    /// Whether anything can be accepted at all.
    func checkOpen() throws(StreamStoreError) {
        if let fence { throw fence }
        if isClosed { throw .storeClosed }
    }

    /// Writes an operation into the open group and applies it to the pending state.
    mutating func enqueue(_ operation: StoreOperation, slot: Int, _ messages: FrameMessages, _ time: StoreTime)
        -> StoreState.Consequence
    {
        var start = openGroup.buffer.count
        var length = encode(operation, messages, time)
        if openGroup.endPosition > logFile.end {
            openGroup.buffer.truncate(to: start)
            beginFile(forFrame: FrameHeader.padded(length))
            start = 0
            length = encode(operation, messages, time)
        }
        openGroup.add(operation, slot: slot, frameStart: start, frameLength: length)
        queuedByteCount += FrameHeader.padded(length)
        if case .append(let append) = operation {
            pending.apply(append, slot: slot)
            return .none
        }
        return pending.apply(operation)
    }

    private func encode(_ operation: StoreOperation, _ messages: FrameMessages, _ time: StoreTime) -> Int {
        operation.encode(
            messages,
            into: openGroup.buffer,
            groupStart: openGroup.startPosition,
            groupNumber: openGroup.number,
            milliseconds: time.wall
        )
    }

    /// What is enqueued from now on goes to the next file of the log.
    private mutating func beginFile(forFrame length: Int) {
        let before = openGroup
        let byteCount = max(limits.commitLogFileByteCount, CommitLogFile.headerByteCount + length)
        logFile = LogFileRange(base: logFile.end, byteCount: UInt64(byteCount), previousEnd: before.endPosition)
        openGroup = FrameGroup(
            number: before.number + 1,
            startPosition: logFile.firstFrame,
            capacity: max(4096, length)
        )
        openGroup.newFile = logFile
        // A file that was begun and got no frame is passed over.
        if before.isEmpty { return }
        sealedGroups.append(before)
    }

    /// The next group to write, if something waits.
    mutating func takeGroup() -> FrameGroup? {
        guard !isWriting else { return nil }
        if let sealed = sealedGroups.popFirst() {
            isWriting = true
            return sealed
        }
        guard !openGroup.isEmpty else { return nil }
        let taken = openGroup
        openGroup = FrameGroup(
            number: taken.number + 1,
            startPosition: taken.endPosition,
            capacity: min(taken.buffer.count, 4 << 20)
        )
        isWriting = true
        return taken
    }
}
