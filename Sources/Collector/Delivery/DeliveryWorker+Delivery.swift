import EventJSON
import Logging
import Synchronization

/// Handing batches to the destination, and what becomes of them.
extension DeliveryWorker {
    func deliver(_ batch: OutgoingBatch) {
        var batch = batch
        batch.attemptCount += 1
        if batch.firstAttemptMilliseconds == nil { batch.firstAttemptMilliseconds = time.monotonicMilliseconds() }
        let begun = batch
        if !configuration.mock.isMissing {
            let outcome = DeliveryOutcome.delivered(response: configuration.mock)
            finish(begun, outcomes: Array(repeating: outcome, count: begun.pending.count))
            return
        }
        let content = DeliveryBatch(begun.pending.deliveries, isGathered: begun.isGathered)
        if let pipelined {
            pipelined.deliver(content) { self.finish(begun, outcomes: $0) }
            return
        }
        let attempt = TimedAttempt { self.finish(begun, outcomes: $0) }
        attempt.start(
            milliseconds: configuration.timeoutMilliseconds,
            time: time,
            timeoutOutcome: begun.pending.waiters.map { _ in .rejected(reason: timeoutReason) }
        ) { await self.destination.deliver(content) }
    }

    private var timeoutReason: String {
        "Destination \"\(id)\" delivery timed out after \(configuration.timeoutMilliseconds)ms"
    }

    /// Settles a delivery's outcomes, then goes on with what waits.
    private func finish(_ batch: OutgoingBatch, outcomes: [DeliveryOutcome]) {
        let settlement = DeliverySettlement(
            batch: batch,
            outcomes: outcomes,
            nowMilliseconds: time.monotonicMilliseconds(),
            timeoutMilliseconds: configuration.timeoutMilliseconds,
            timeoutReason: timeoutReason
        )
        // First, since it may put events back that are then to be worked off.
        if let steps, !batch.pending.followUps.isEmpty { followUp(batch, outcomes, settlement, steps) }
        // Counts and dead letters are as they should be before anyone hears of an outcome.
        let end = state.withLock { $0.finish(batch, settlement, configuration: configuration) }
        counters.countDelivered(settlement.deliveredCount)
        counters.countFailed(settlement.failed.count)
        for (waiter, outcome) in zip(batch.pending.waiters, outcomes) {
            if case .delivered(let response) = outcome { waiter.settle(id, .done(response: response)) }
        }
        for (position, reason) in settlement.failed {
            let event = batch.pending.deliveries[position].event
            logger.error("Push failed", metadata: ["error": "\(reason)", "event": "\(event.name)"])
            batch.pending.waiters[position].settle(id, .failed(reason: reason))
        }
        if end.warns { logger.warning("destination.dlq overflow; oldest entries dropped") }
        for waiter in end.released { waiter.settle(id, .queued) }
        if let pause = end.pause { resume(after: pause) }
        run(end.step)
    }

    private func resume(after pause: State.Pause) {
        if pause.isCooldown {
            logger.warning("circuit breaker opened", metadata: ["milliseconds": "\(pause.milliseconds)"])
        }
        Task {
            try? await time.sleep(.milliseconds(pause.milliseconds))
            let step = state.withLock { state in
                if pause.isCooldown { state.lane.finishCooldown() } else { state.lane.resume() }
                return state.beginWork()
            }
            run(step)
        }
    }
}

extension DeliveryWorker.State {
    /// A time in which nothing is delivered.
    struct Pause {
        let milliseconds: Int
        /// Whether the breaker opened; else something is to be tried again.
        let isCooldown: Bool
    }

    /// What follows from a delivery.
    fileprivate struct End {
        /// Whether the first dead letter of an episode had to go.
        var warns = false
        var pause: Pause?
        /// Who waited for events that the breaker now keeps.
        var released: [DeliveryWaiter] = []
        var step = Step.none
    }

    fileprivate mutating func finish(
        _ batch: OutgoingBatch,
        _ settlement: DeliverySettlement,
        configuration: DestinationConfiguration
    ) -> End {
        var end = End()
        lane.finish(batch, retrying: settlement.retrying)
        counts.deliveredCount += settlement.deliveredCount
        counts.failedCount += settlement.failed.count
        end.warns = noteDeadLetters(
            settlement.failed,
            of: batch,
            maximumCount: configuration.maximumDeadLetterCount
        )
        let opens = lane.noteAttempt(deliveredCount: settlement.deliveredCount, of: batch.pending.count)
        if opens, let cooldown = configuration.breaker?.cooldownMilliseconds {
            retryCount = 0
            end.released = lane.releaseWaiters()
            end.pause = Pause(milliseconds: cooldown, isCooldown: true)
        } else if lane.breaker?.phase == .open {
            // It was under way when the breaker opened; the end of the cooldown lets it go on.
            end.released = lane.releaseWaiters()
        } else if settlement.retrying.isEmpty {
            retryCount = 0
        } else {
            retryCount += 1
            end.pause = Pause(milliseconds: settlement.delay(afterRetries: retryCount), isCooldown: false)
        }
        end.step = beginWork()
        return end
    }
}
