import EventJSON
import Logging
import Synchronization

/// Keeping events that a destination cannot have: those that wait for consent, and dead letters. The cursor passes them
/// when they are on stable storage there.
extension QueueReader {
    /// Keeps an event until consent is given.
    func hold(_ queued: QueuedEvent, at place: QueuePlace) {
        var batch = EventQueueBatch()
        let circumstances = EventRecord.Circumstances(user: queued.state.user.object, ingest: queued.ingest)
        EventRecord.append(queued.event, circumstances, to: &batch.bytes)
        batch.byteCounts = [batch.bytes.count]
        keep(batch, in: .held(destination: destination), places: [place])
    }

    /// Keeps events that could not be delivered.
    func bury(_ letters: [(letter: DeadLetter, waiter: DeliveryWaiter)]) {
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
        state.withLock { $0.keepingCount += 1 }
        queue.append(batch, to: stream) { [self] result in
            let releasesAgain = state.withLock { state in
                state.keepingCount -= 1
                return state.keepingCount == 0 && exchange(&state.releasesAgain, with: false)
            }
            if releasesAgain { releaseHeld() }
            switch result {
            case .success:
                settle(places)
                if state.withLock({ $0.saved.isEmpty }) { return }
                // The collector ends, and waits for this.
                for feed in QueueFeed.allCases { save(feed, isUrgent: true) }
                noteSaved(orFailed: false)
            case .failure(let error):
                noteSaved(orFailed: true)
                // Its place in the log is not passed, so that it is not lost.
                logger.error("an event could not be kept", metadata: ["error": "\(error)"])
                guard state.withLock({ $0.worker != nil }) else { return }
                later { self.keep(batch, in: stream, places: places) }
            }
        }
    }
}
