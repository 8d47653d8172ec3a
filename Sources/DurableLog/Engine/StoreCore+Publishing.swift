import DequeModule

/// What is to be called when the lock was given back.
struct StoreCallbacks: Sendable {
    var waits: [(StoreCompletion<WaitOutcome>, WaitOutcome)] = []
    var completions: [FrameCompletion] = []
    var failure: StreamStoreError?

    func run() {
        for (completion, outcome) in waits { completion(.success(outcome)) }
        for completion in completions { completion.call(failure) }
    }
}

extension StoreCore {
    /// A group is durable: readers see it, and those who wait for it are called.
    mutating func publish(_ group: FrameGroup, _ time: StoreTime, keepsUncopied: Bool) -> StoreCallbacks {
        isWriting = false
        queuedByteCount -= min(queuedByteCount, group.buffer.count)
        statistics.frameCount += UInt64(group.entries.count)
        statistics.isFull = false
        durablePosition = max(durablePosition, group.endPosition)
        var callbacks = StoreCallbacks()
        swap(&callbacks.completions, &group.completions)
        for entry in group.entries { apply(entry, of: group, time, &callbacks) }
        if keepsUncopied, !group.entries.isEmpty {
            uncopiedGroups.append(group)
            uncopiedByteCount += group.buffer.count
        } else if !keepsUncopied {
            // Nothing of this will be asked for.
            removedStreams = []
            keys.shrink(to: limits.maximumKeyCountInMemory)
        }
        return callbacks
    }

    /// Applies a durable frame to what readers see; the same live and at recovery.
    mutating func apply(
        _ entry: FrameGroup.Entry,
        of group: FrameGroup,
        _ time: StoreTime,
        _ callbacks: inout StoreCallbacks
    ) {
        if case .append(let append) = entry.operation {
            durable.apply(append, slot: entry.slot)
            if append.details != nil { keys.publish(append) }
            let hot = HotFrame(
                group: group,
                frameStart: entry.frameStart,
                frameLength: entry.frameLength,
                start: append.start,
                end: append.end,
                messageCount: append.messageCount,
                milliseconds: append.milliseconds
            )
            let news = runtimes[entry.slot]?.take(hot, time) ?? (isFirstChange: false, hasWaiters: false)
            if news.isFirstChange { changedSlots.append(entry.slot) }
            if news.hasWaiters { wake(entry.slot, &callbacks) }
            return
        }
        switch durable.apply(entry.operation) {
        case .none:
            guard let slot = durable.slots[entry.operation.stream] else { return }
            if case .trim = entry.operation { release(slot) }
            markChanged(slot)
        case .created(let slot):
            guard case .create(let create) = entry.operation else { return }
            while runtimes.count <= slot { runtimes.append(nil) }
            runtimes[slot] = StreamRuntime(
                stream: create.definition.id,
                accessMonotonic: time.monotonic,
                isChanged: false
            )
            markChanged(slot)
            if let parent = create.definition.parent, let above = durable.slots[parent] { markChanged(above) }
            if create.messageCount > 0 {
                keepHot(
                    entry,
                    of: group,
                    create.definition.base,
                    create.end,
                    create.messageCount,
                    create.definition.createdMilliseconds
                )
            }
        case .hidden(let slot):
            markChanged(slot)
            endWaits(slot, .deleted, &callbacks)
        case .removed(let removals):
            for removal in removals {
                endWaits(removal.slot, .deleted, &callbacks)
                for segment in runtimes[removal.slot]?.segments ?? [] {
                    releasedSegments.append(segment)
                    statistics.segmentByteCount -= min(segment.byteCount, statistics.segmentByteCount)
                }
                runtimes[removal.slot] = nil
                removedStreams.append(removal.stream)
                keys.remove(stream: removal.stream)
            }
        }
    }

    /// A group could not be written: it and all behind it are refused, and judged is again by what is durable.
    mutating func refuse(_ group: FrameGroup, _ error: StreamStoreError, logFile: LogFileRange) -> StoreCallbacks {
        isWriting = false
        var callbacks = StoreCallbacks()
        callbacks.failure = error
        for refused in [group] + sealedGroups + [openGroup] {
            callbacks.completions += refused.completions
            refused.completions = []
            for case .append(let append) in refused.entries.lazy.map(\.operation) { keys.remove(append) }
        }
        pending = durable
        sealedGroups = []
        queuedByteCount = 0
        self.logFile = logFile
        // The file may have been begun, though nothing of the group is in it.
        let startPosition = max(durablePosition, logFile.firstFrame)
        openGroup = FrameGroup(number: openGroup.number + 1, startPosition: startPosition, capacity: 4096)
        switch error {
        case .full: statistics.isFull = true
        default:
            fence = error
            statistics.fence = error.description
        }
        return callbacks
    }

    mutating func markChanged(_ slot: Int) {
        guard runtimes[slot]?.isChanged == false else { return }
        runtimes[slot]?.isChanged = true
        changedSlots.append(slot)
    }

    private mutating func keepHot(
        _ entry: FrameGroup.Entry,
        of group: FrameGroup,
        _ start: UInt64,
        _ end: UInt64,
        _ messageCount: UInt32,
        _ milliseconds: UInt64
    ) {
        guard let slot = entry.slot >= 0 ? entry.slot : durable.slots[entry.operation.stream] else { return }
        runtimes[slot]?.hot.append(
            HotFrame(
                group: group,
                frameStart: entry.frameStart,
                frameLength: entry.frameLength,
                start: start,
                end: end,
                messageCount: messageCount,
                milliseconds: milliseconds
            )
        )
    }

    /// Lets go of what was trimmed: frames in memory, and segments as a whole.
    mutating func release(_ slot: Int) {
        guard let earliest = durable.streams[slot]?.earliest, var runtime = runtimes[slot] else { return }
        runtimes[slot] = nil
        while let first = runtime.hot.first, first.end <= earliest { runtime.hot.removeFirst() }
        while let first = runtime.segments.first, first.end <= earliest {
            releasedSegments.append(first)
            statistics.segmentByteCount -= min(first.byteCount, statistics.segmentByteCount)
            runtime.segments.removeFirst()
        }
        runtimes[slot] = runtime
    }

    /// Gives up the oldest groups in memory that segments have.
    mutating func shrinkCache() {
        while cachedByteCount > limits.maximumCachedByteCount, let group = cachedGroups.popFirst() {
            cachedByteCount -= group.buffer.count
            for entry in group.entries {
                guard let slot = durable.slots[entry.operation.stream] else { continue }
                while let first = runtimes[slot]?.hot.first, first.group === group { runtimes[slot]?.hot.removeFirst() }
            }
        }
    }
}
