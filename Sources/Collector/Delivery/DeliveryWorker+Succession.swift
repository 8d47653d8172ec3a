import Logging
import Synchronization

/// Handing a destination's events over to the worker that takes its place when a flow is exchanged.
extension DeliveryWorker {
    /// Waits for a predecessor's events before anything else.
    func suspend() {
        state.withLock { $0.lane.suspend() }
    }

    /// Begins nothing more, and sends what comes from now on to the successor.
    func beginHandingOver(to successor: DeliveryWorker) {
        state.withLock { state in
            state.successor = successor
            state.lane.suspend()
            // Whether there is room is the successor's to say.
            hasNoRoom.store(false, ordering: .relaxed)
        }
    }

    /// Waits for what is under way, gives the successor all that waits, ends this destination, and lets the successor
    /// begin: the two never have the destination at the same time.
    func finishHandingOver(to successor: DeliveryWorker, present: StateSnapshot) async {
        await settle()
        var (remainder, letters, counts) = state.withLock { state in
            var remainder = state.lane.takeRemainder()
            remainder.outgoing += state.buffers.takeAll()
            return (remainder, state.deadLetters.letters, state.counts)
        }
        // Held events are counted as such by who has them.
        counts.isReady = false
        await destroy()
        let warns = successor.state.withLock { state in
            state.lane.resume(with: exchange(&remainder, with: .init()), present: present)
            state.counts.add(counts)
            return state.noteDeadLetters(letters, maximumCount: successor.configuration.maximumDeadLetterCount)
        }
        if warns { successor.logger.warning("destination.dlq overflow; oldest entries dropped") }
        successor.work()
    }

    /// Returns when nothing is under way any more in the suspended lane.
    private func settle() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                if state.lane.isSettled { return true }
                state.settled.append(continuation)
                return false
            }
            if isSettled { continuation.resume() }
        }
    }
}
