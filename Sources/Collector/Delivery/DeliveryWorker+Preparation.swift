import EventJSON
import Logging
import Synchronization

/// Making the destination ready, and telling it changes of state.
extension DeliveryWorker {
    func prepare() {
        LimitedCall.start(
            milliseconds: configuration.timeoutMilliseconds,
            time: time,
            work: { await self.initialize() },
            onLimit: { self.noteLimit("destination init does not return") },
            onEnd: { isReady, _ in
                self.finishPreparation(isReady)
                self.work()
            }
        )
    }

    private func initialize() async -> Bool {
        do {
            return try await destination.initialize(context) == .ready
        } catch {
            counters.countFailed()
            logger.error("destination init failed", metadata: ["error": "\(error)"])
            state.withLock { $0.counts.lastFailure = "init: \(error)" }
            return false
        }
    }

    private func finishPreparation(_ isReady: Bool) {
        let (waiting, pause) = state.withLock { state -> ([QueuedEvent], Int?) in
            _ = state.lane.endFailing()
            let waiting = state.lane.finishPreparation(isReady)
            state.counts.isReady = isReady
            if isReady {
                state.preparation.noteSuccess()
                return ([], nil)
            }
            state.lane.postpone(waiting.map(\.unawaited))
            let pause = state.preparation.noteFailure()
            state.lane.isPreparationPaused = state.preparation.isBinding
            return (waiting, pause)
        }
        for event in waiting { event.waiter.settle(id, .queued) }
        if !isReady { settleTelling(.queued) }
        if let pause { prepareAgain(afterMilliseconds: pause) }
    }

    /// Asks the destination again later if anything waits for it then.
    func prepareAgain(afterMilliseconds milliseconds: Int) {
        Task {
            try? await time.sleep(.milliseconds(milliseconds))
            state.withLock { state in
                state.preparation.end()
                state.lane.isPreparationPaused = false
                state.lane.resumePostponed()
            }
            work()
        }
    }

    func tell(_ changes: [StateChange]) {
        LimitedCall.start(
            milliseconds: configuration.timeoutMilliseconds,
            time: time,
            work: { await self.on(changes) },
            onLimit: { self.noteLimit("on callback does not return") },
            onEnd: { _, _ in
                self.state.withLock { state in
                    _ = state.lane.endFailing()
                    state.lane.finishTelling()
                }
                self.settleTelling(.done(response: .missing))
                self.work()
            }
        )
    }

    private func on(_ changes: [StateChange]) async {
        for change in changes {
            do {
                try await destination.on(change, context)
            } catch {
                logger.error("on callback failed", metadata: ["kind": "\(change.type)", "error": "\(error)"])
            }
        }
    }

    /// Notes that the destination was cancelled because it took too long. Nothing is given to it before it returns,
    /// and nobody waits for that.
    private func noteLimit(_ message: String) {
        counters.countFailed()
        logger.error("\(message)", metadata: ["milliseconds": "\(configuration.timeoutMilliseconds)"])
        let released = state.withLock { state in
            state.counts.lastFailure = message
            return state.lane.beginFailing()
        }
        for waiter in released { waiter.settle(id, .queued) }
        settleTelling(.queued)
    }

    private func settleTelling(_ outcome: PushResult.Outcome) {
        let trackers = state.withLock { exchange(&$0.telling, with: []) }
        for tracker in trackers { tracker.settle(outcome) }
    }
}
