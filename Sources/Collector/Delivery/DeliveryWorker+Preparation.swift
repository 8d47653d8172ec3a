import EventJSON
import Logging
import Synchronization

/// Making the destination ready, and telling it changes of state.
extension DeliveryWorker {
    func prepare() {
        Task {
            var isReady = false
            do {
                isReady = try await destination.initialize(context) == .ready
            } catch {
                counters.countFailed()
                logger.error("destination init failed", metadata: ["error": "\(error)"])
            }
            finishPreparation(isReady)
            if !isReady { settleTelling(.queued) }
            work()
        }
    }

    private func finishPreparation(_ isReady: Bool) {
        let (waiting, warns) = state.withLock { state -> ([QueuedEvent], Bool) in
            let waiting = state.lane.finishPreparation(isReady)
            let kept = waiting.map { event in
                var event = event
                event.waiter = .none
                return event
            }
            let excess = state.lane.postpone(kept, maximumCount: configuration.maximumQueueCount)
            state.counts.isReady = isReady
            return (waiting, state.noteDroppedHeld(excess))
        }
        if warns { logger.warning("destination.queuePush overflow; oldest events dropped") }
        for event in waiting { event.waiter.settle(id, .queued) }
    }

    func tell(_ changes: [StateChange]) {
        Task {
            for change in changes {
                do {
                    try await destination.on(change, context)
                } catch {
                    logger.error("on callback failed", metadata: ["kind": "\(change.type)", "error": "\(error)"])
                }
            }
            state.withLock { $0.lane.finishTelling() }
            settleTelling(.done(response: .missing))
            work()
        }
    }

    private func settleTelling(_ outcome: PushResult.Outcome) {
        let trackers = state.withLock { exchange(&$0.telling, with: []) }
        for tracker in trackers { tracker.settle(outcome) }
    }
}
