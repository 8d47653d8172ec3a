import Logging
import Synchronization

/// Giving up the oldest events that a destination has not taken, because the queue is full and the destination's policy
/// says so: they become dead letters, and its cursor passes them when these are on stable storage.
///
/// No more at a time than the destination may have behind its cursor, and the cursor is written down each time: a crash
/// lets no more events be both dead letters and delivered than may come twice anyway.
extension QueueReader {
    /// The reason of such dead letters.
    static let givenUpReason = "the log was full before the destination took the event"

    /// How much is read at a time: few more than are given up together.
    private static let givenUpByteCount = 256 << 10

    /// Whether the destination's events are given up rather than new ones refused.
    var givesUp: Bool { state.withLock { $0.worker?.configuration.whenFull == .deadLetter } }

    /// Gives up what lies before a position and is not settled; then calls back with whether the cursor moved.
    func giveUp(_ feed: QueueFeed, before end: UInt64, completion: @escaping @Sendable (Bool) -> Void) {
        let begun = state.withLock { state -> (EventQueueStream, UInt64)? in
            guard state.worker != nil, !state[feed].isGivingUp,
                state[feed].progress.settled < min(end, state[feed].tail)
            else { return nil }
            state[feed].isGivingUp = true
            return (state[feed].stream, state[feed].progress.settled)
        }
        guard let (stream, position) = begun else { return completion(false) }
        giveUp(feed, stream, from: position, before: end, completion)
    }

    private func giveUp(
        _ feed: QueueFeed,
        _ stream: EventQueueStream,
        from start: UInt64,
        before end: UInt64,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        queue.read(stream, from: start, maximumByteCount: Self.givenUpByteCount) { [self] result in
            switch result {
            case .success(let page): giveUp(page, feed, from: start, before: end, completion)
            case .failure(let error):
                logger.error("events cannot be read", metadata: ["error": "\(error)"])
                endGivingUp(feed, completion, hasMoved: false)
            }
        }
    }

    private func giveUp(
        _ page: EventQueuePage,
        _ feed: QueueFeed,
        from start: UInt64,
        before end: UInt64,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let chosen = state.withLock { state -> (givenUp: QueueProgress.GivenUp, isKept: Bool, warns: Bool)? in
            guard let worker = state.worker else { return nil }
            let tail = state[feed].tail
            let ends = page.records.map(\.end).prefix { $0 <= tail }
            let first = QueuePlace(feed: feed, ordinal: state[feed].progress.settledCount)
            if state.keeping[first] != nil { return (QueueProgress.GivenUp(end: first.ordinal), true, false) }
            let keeping = state.keeping
            let givenUp = state[feed].progress.beginGivingUp(
                Array(ends),
                maximumCount: Int(clamping: state.windowCount)
            ) { keeping[QueuePlace(feed: feed, ordinal: $0)] != nil }
            // What lies there cannot be read by anybody.
            if page.records.isEmpty { state[feed].progress.skip(to: min(page.next, tail)) }
            state[feed].givenUpOrdinal = max(state[feed].givenUpOrdinal, givenUp.end)
            worker.giveUp(feed, before: givenUp.end)
            return (givenUp, false, !givenUp.indices.isEmpty && exchange(&state.warnsOfGivingUp, with: false))
        }
        guard let (givenUp, isKept, warns) = chosen else { return endGivingUp(feed, completion, hasMoved: false) }
        if isKept { return giveUpLater(feed, before: end, completion) }
        if warns {
            logger.warning("the log is full: the oldest events that the destination has not taken become dead letters")
        }
        let batch = letters(page, givenUp.indices)
        guard batch.count > 0 else {
            // All of it is settled, or was not for this destination.
            return pass(givenUp, count: 0, feed, from: start, before: end, completion)
        }
        bury(batch) { [self] isBuried, hasFailed in
            switch (isBuried, hasFailed) {
            case (true, false): pass(givenUp, count: batch.count, feed, from: start, before: end, completion)
            // Nobody waits any more.
            case (true, true): pass(givenUp, count: batch.count, feed, from: start, before: start) { _ in }
            case (false, false): completion(false)
            case (false, true): break
            }
        }
    }

    /// The oldest event is being kept elsewhere: goes on when it is.
    private func giveUpLater(_ feed: QueueFeed, before end: UInt64, _ completion: @escaping @Sendable (Bool) -> Void) {
        // With the cursor behind it something has moved.
        let goOn: @Sendable (Bool) -> Void = { [self] isKept in
            guard isKept else { return completion(false) }
            giveUp(feed, before: end) { _ in completion(true) }
        }
        let isOver = state.withLock { state in
            state[feed].isGivingUp = false
            let first = QueuePlace(feed: feed, ordinal: state[feed].progress.settledCount)
            if state.worker == nil || state.keeping[first] == nil { return true }
            state.kept.append(goOn)
            return false
        }
        if isOver { goOn(true) }
    }

    /// The dead letters of those of a page's records that are for this destination.
    private func letters(_ page: EventQueuePage, _ indices: [Int]) -> EventQueueBatch {
        var batch = EventQueueBatch()
        let milliseconds = time.nowMilliseconds()
        page.bytes.withUnsafeBufferPointer { bytes in
            for index in indices {
                guard let record = try? EventRecord(bytes, in: page.records[index].range),
                    record.circumstances.allows(destination)
                else { continue }
                let start = batch.bytes.count
                DeadLetterRecord.append(
                    DeadLetter(event: record.event, reason: Self.givenUpReason, attemptCount: 0),
                    eventText: nil,
                    destination: destination,
                    milliseconds: milliseconds,
                    to: &batch.bytes
                )
                batch.byteCounts.append(batch.bytes.count - start)
            }
        }
        return batch
    }

    /// Writes dead letters; goes on trying if that fails, for the destination does not get the events any more.
    private func bury(
        _ batch: EventQueueBatch,
        hasFailed: Bool = false,
        completion: @escaping @Sendable (_ isBuried: Bool, _ hasFailed: Bool) -> Void
    ) {
        state.withLock { $0.keepingCount += 1 }
        queue.append(batch, to: .deadLetters(destination: destination)) { [self] result in
            switch result {
            case .success:
                endKeeping(isKept: true)
                completion(true, hasFailed)
            case .failure(let error):
                endKeeping(isKept: false)
                noteSaved(orFailed: true)
                // The cursor does not pass them: a restart would deliver them.
                logger.error("an event could not be kept", metadata: ["error": "\(error)"])
                completion(false, hasFailed)
                guard state.withLock({ $0.worker != nil }) else { return }
                later { self.bury(batch, hasFailed: true, completion: completion) }
            }
        }
    }

    /// Moves the cursor over what was given up, and goes on once that is written down.
    private func pass(
        _ givenUp: QueueProgress.GivenUp,
        count: Int,
        _ feed: QueueFeed,
        from start: UInt64,
        before end: UInt64,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let (position, finished, worker) = state.withLock { state in
            state[feed].progress.finishGivingUp(before: givenUp.end)
            let position = state[feed].progress.settled
            state.passing.append(
                (
                    feed, position,
                    { [self] isSaved in
                        guard isSaved, position > start, position < end else {
                            return endGivingUp(feed, completion, hasMoved: isSaved && position > start)
                        }
                        goOn(feed, from: position, before: end, completion)
                    }
                )
            )
            return (position, state.isFinished ? exchange(&state.finished, with: []) : [], state.worker)
        }
        if count > 0 { worker?.noteGivenUp(count) }
        for continuation in finished { continuation.resume(returning: true) }
        save(feed, isUrgent: true)
        // It may stand there already.
        let passed = state.withLock { state in
            state[feed].saved >= position ? state.takePassed(feed, orFailed: false) : []
        }
        for completion in passed { completion(true) }
        read(feed)
        worker?.workApart()
    }

    private func goOn(
        _ feed: QueueFeed,
        from position: UInt64,
        before end: UInt64,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let next = state.withLock { state -> (EventQueueStream, UInt64)? in
            guard state.worker != nil, state[feed].progress.settled < min(end, state[feed].tail) else { return nil }
            return (state[feed].stream, state[feed].progress.settled)
        }
        guard let (stream, position) = next else { return endGivingUp(feed, completion, hasMoved: true) }
        giveUp(feed, stream, from: position, before: end, completion)
    }

    private func endGivingUp(_ feed: QueueFeed, _ completion: @Sendable (Bool) -> Void, hasMoved: Bool) {
        state.withLock { $0[feed].isGivingUp = false }
        read(feed)
        completion(hasMoved)
    }
}
