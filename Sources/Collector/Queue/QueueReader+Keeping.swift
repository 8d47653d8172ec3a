import EventJSON
import Logging
import Synchronization

/// Keeping events that a destination cannot have: those that wait for consent, and dead letters. The cursor passes them
/// when they are on stable storage there.
extension QueueReader {
    /// Keeps an event until consent is given.
    func hold(_ queued: QueuedEvent, at place: QueuePlace) {
        // One that was given up meanwhile is a dead letter.
        guard state.withLock({ $0[place.feed].progress.isOpen(place.ordinal) }) else { return }
        var batch = EventQueueBatch()
        let circumstances = EventRecord.Circumstances(user: queued.state.user.object, ingest: queued.ingest)
        EventRecord.append(queued.event, circumstances, to: &batch.bytes)
        batch.byteCounts = [batch.bytes.count]
        keep(batch, in: .held(destination: destination), places: [place])
    }

    /// Keeps events that could not be delivered.
    func bury(_ buried: [(letter: DeadLetter, waiter: DeliveryWaiter)]) {
        // One that was given up meanwhile is a dead letter already.
        let letters = state.withLock { state in
            buried.filter { $0.waiter.place.map { state[$0.feed].progress.isOpen($0.ordinal) } ?? true }
        }
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
        beginKeeping(places)
        queue.append(batch, to: stream) { [self] result in
            let (releasesAgain, kept) = endKeeping(places)
            if releasesAgain { releaseHeld() }
            switch result {
            case .success:
                settle(places)
                for goOn in kept { goOn() }
                if state.withLock({ $0.saved.isEmpty }) { return }
                // The collector ends, and waits for this.
                for feed in QueueFeed.allCases { save(feed, isUrgent: true) }
                noteSaved(orFailed: false)
            case .failure(let error):
                for goOn in kept { goOn() }
                noteSaved(orFailed: true)
                // Its place in the log is not passed, so that it is not lost.
                logger.error("an event could not be kept", metadata: ["error": "\(error)"])
                guard state.withLock({ $0.worker != nil }) else { return }
                later { self.keep(batch, in: stream, places: places) }
            }
        }
    }

    /// Notes that events are being written elsewhere.
    func beginKeeping(_ places: [QueuePlace] = []) {
        state.withLock { state in
            state.keepingCount += 1
            for place in places { state.keeping[place, default: 0] += 1 }
        }
    }

    /// Notes that they were, or were not: whether events that wait for consent are to be looked at again, and who waited.
    func endKeeping(_ places: [QueuePlace] = []) -> (releasesAgain: Bool, kept: [@Sendable () -> Void]) {
        state.withLock { state in
            state.keepingCount -= 1
            for place in places {
                let count = state.keeping[place, default: 1] - 1
                state.keeping[place] = count > 0 ? count : nil
            }
            let releasesAgain = state.keepingCount == 0 && exchange(&state.releasesAgain, with: false)
            return (releasesAgain, exchange(&state.kept, with: []))
        }
    }
}
