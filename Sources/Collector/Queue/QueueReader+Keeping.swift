import EventJSON
import Logging
import Synchronization

/// Keeping events that a destination cannot have: those that wait for consent, and dead letters. The cursor passes them
/// when they are on stable storage there.
extension QueueReader {
    /// Keeps an event until consent is given.
    func hold(_ queued: QueuedEvent, at place: QueuePlace) {
        guard beginKeeping([place]).isEmpty == false else { return }
        var batch = EventQueueBatch()
        let circumstances = EventRecord.Circumstances(user: queued.state.user.object, ingest: queued.ingest)
        EventRecord.append(queued.event, circumstances, to: &batch.bytes)
        batch.byteCounts = [batch.bytes.count]
        keep(batch, in: .held(destination: destination), places: [place])
    }

    /// Keeps events that could not be delivered.
    func bury(_ buried: [(letter: DeadLetter, waiter: DeliveryWaiter)]) {
        let places = Set(beginKeeping(buried.compactMap(\.waiter.place)))
        let letters = buried.filter { $0.waiter.place.map(places.contains) ?? false }
        if letters.isEmpty { return }
        var batch = EventQueueBatch()
        for (letter, waiter) in letters {
            let start = batch.bytes.count
            DeadLetterRecord.append(
                letter,
                eventText: waiter.text,
                destination: destination,
                milliseconds: time.nowMilliseconds(),
                to: &batch.bytes
            )
            batch.byteCounts.append(batch.bytes.count - start)
        }
        keep(batch, in: .deadLetters(destination: destination), places: letters.compactMap(\.waiter.place))
    }

    private func keep(_ batch: EventQueueBatch, in stream: EventQueueStream, places: [QueuePlace]) {
        queue.append(batch, to: stream) { [self] result in
            switch result {
            case .success:
                endKeeping(places, isKept: true)
                if state.withLock({ $0.saved.isEmpty }) { return }
                // The collector ends, and waits for this.
                for feed in QueueFeed.allCases { save(feed, isUrgent: true) }
                noteSaved(orFailed: false)
            case .failure(let error):
                endKeeping(isKept: false)
                noteSaved(orFailed: true)
                // Its place in the log is not passed, so that it is not lost.
                logger.error("an event could not be kept", metadata: ["error": "\(error)"])
                guard state.withLock({ $0.worker != nil }) else { return }
                later {
                    self.state.withLock { $0.keepingCount += 1 }
                    self.keep(batch, in: stream, places: places)
                }
            }
        }
    }

    /// Notes that events are written elsewhere from now on; gives those that are: what was given up meanwhile is a dead
    /// letter already.
    private func beginKeeping(_ places: [QueuePlace]) -> [QueuePlace] {
        state.withLock { state in
            let open = places.filter { state[$0.feed].progress.isOpen($0.ordinal) }
            if open.isEmpty { return [] }
            state.keepingCount += 1
            for place in open { state.keeping[place, default: 0] += 1 }
            return open
        }
    }

    /// Settles events that were kept, or notes that it is to be tried again. Those who wait for that hear of it, and
    /// events that wait for consent are looked at again if somebody asked for it meanwhile.
    func endKeeping(_ places: [QueuePlace] = [], isKept: Bool) {
        let releasesAgain = state.withLock { state in
            state.keepingCount -= 1
            return state.keepingCount == 0 && exchange(&state.releasesAgain, with: false)
        }
        if releasesAgain { releaseHeld() }
        if isKept { settle(places) }
        let waiting = state.withLock { state in
            // Not before they are settled: what is neither is given up.
            for place in isKept ? places : [] {
                let count = state.keeping[place, default: 1] - 1
                state.keeping[place] = count > 0 ? count : nil
            }
            return exchange(&state.kept, with: [])
        }
        for completion in waiting { completion(isKept) }
    }
}
