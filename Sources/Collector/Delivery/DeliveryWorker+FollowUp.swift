import EventJSON
import Logging
import Synchronization

/// What steps do once an event was delivered: remember its key, keep states, go on to `next`.
extension DeliveryWorker {
    /// Begins what follows a batch, and gives the cache keys of what failed free.
    func followUp(
        _ batch: OutgoingBatch,
        _ outcomes: [DeliveryOutcome],
        _ settlement: DeliverySettlement,
        _ steps: DestinationSteps
    ) {
        for (position, outcome) in outcomes.prefix(batch.pending.count).enumerated() {
            guard case .delivered(let response) = outcome, let followUp = batch.pending.followUp(position) else {
                continue
            }
            begin(followUp, batch.pending.deliveries[position], response, steps)
        }
        for (position, _) in settlement.failed {
            if let followUp = batch.pending.followUp(position) { release(followUp.keys, isKnown: false) }
        }
    }

    private func begin(_ followUp: FollowUp, _ delivery: Delivery, _ response: JSONValue, _ steps: DestinationSteps) {
        var run = steps.run(followUp, delivery, response: response)
        let progress = run.advance()
        guard case .waiting(let operation) = progress else { return finish(followUp, progress) }
        state.withLock { $0.lane.countFollowUps(1) }
        StepWait.begin(run, operation, milliseconds: configuration.timeoutMilliseconds, time: time) { end in
            self.finish(followUp, end.progress)
            self.state.withLock { $0.lane.countFollowUps(-1) }
            self.work()
        }
    }

    /// The event was delivered, whatever became of its later steps: those that waited behind it are known.
    private func finish(_ followUp: FollowUp, _ progress: StepRun.Progress) {
        if case .failed(let failure) = progress {
            counters.countFailed()
            logger.error("a step after the delivery failed", metadata: ["error": "\(failure.reason)"])
        }
        release(followUp.keys, isKnown: true)
    }
}
