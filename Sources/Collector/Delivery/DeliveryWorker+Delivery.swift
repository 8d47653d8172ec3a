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
        BatchAttempt.start(
            milliseconds: configuration.timeoutMilliseconds,
            time: time,
            work: { await self.destination.deliver(content) },
            report: { self.finish(begun, outcomes: $0, isOverdue: $1) },
            onAbandon: {
                self.state.withLock { $0.lane.countAbandoned(1) }
                self.logger.error("a delivery was cancelled and does not return")
            },
            onReturn: {
                self.state.withLock { $0.lane.countAbandoned(-1) }
                self.work()
            }
        )
    }

    /// Settles a delivery's outcomes, then goes on with what waits.
    private func finish(_ batch: OutgoingBatch, outcomes: [DeliveryOutcome], isOverdue: Bool = false) {
        let settlement = DeliverySettlement(
            batch: batch,
            outcomes: outcomes,
            options: configuration.retry,
            nowMilliseconds: time.monotonicMilliseconds(),
            missingReason: isOverdue
                ? "Destination \"\(id)\" delivery timed out after \(configuration.timeoutMilliseconds)ms"
                : "the destination gave no outcome"
        )
        // First, since it may put events back that are then to be worked off.
        if let steps, !batch.pending.followUps.isEmpty { followUp(batch, outcomes, settlement, steps) }
        // Counts and dead letters are as they should be before anyone hears of an outcome.
        let end = state.withLock { state in
            let end = state.finish(
                batch,
                settlement,
                configuration: configuration,
                keepsDeadLetters: reader == nil
            )
            if isFull { noteRoom(in: state.lane) }
            return end
        }
        counters.countDelivered(settlement.deliveredCount)
        counters.countFailed(settlement.failed.count)
        for (waiter, outcome) in zip(batch.pending.waiters, outcomes) where waiter.isAwaited {
            if case .delivered(let response) = outcome { waiter.settle(id, .done(response: response)) }
        }
        if reader != nil { settle(batch, outcomes, settlement) }
        for (position, reason) in settlement.failed {
            let event = batch.pending.deliveries[position].event
            logger.error("Push failed", metadata: ["error": "\(reason)", "event": "\(event.name)"])
            batch.pending.waiters[position].settle(id, .failed(reason: reason))
        }
        if end.warns { logger.warning("destination.dlq overflow; oldest entries dropped") }
        tell(end.change, settlement)
        for waiter in end.released { waiter.settle(id, .queued) }
        if let pause = end.pause { resume(after: pause) }
        run(end.step)
    }

    /// Lets the cursor pass what was delivered, and what was given up once that is kept as a dead letter.
    private func settle(_ batch: OutgoingBatch, _ outcomes: [DeliveryOutcome], _ settlement: DeliverySettlement) {
        var places: [QueuePlace] = []
        places.reserveCapacity(batch.pending.count)
        for (waiter, outcome) in zip(batch.pending.waiters, outcomes) {
            if case .delivered = outcome, let place = waiter.place { places.append(place) }
        }
        if !places.isEmpty { reader?.settle(places) }
        if settlement.failed.isEmpty { return }
        reader?.bury(
            settlement.failed.map { position, reason in
                let event = batch.pending.deliveries[position].event
                let letter = DeadLetter(event: event, reason: reason, attemptCount: batch.attemptCount)
                return (letter, batch.pending.waiters[position])
            }
        )
    }

    /// Says once that a destination began to fail, and once that it is well again.
    private func tell(_ change: State.HealthChange, _ settlement: DeliverySettlement) {
        switch change {
        case .none: break
        case .failing:
            logger.warning(
                "the destination keeps failing; its events are kept and tried again",
                metadata: [
                    "error": "\(settlement.retryReason ?? "")", "milliseconds": "\(settlement.spentMilliseconds)",
                ]
            )
        case .recovered: logger.notice("the destination takes events again")
        }
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

    /// What a delivery says of the destination's health.
    fileprivate enum HealthChange { case none, failing, recovered }

    /// What follows from a delivery.
    fileprivate struct End {
        /// Whether the first dead letter of an episode had to go.
        var warns = false
        var change = HealthChange.none
        var pause: Pause?
        /// Who waited for events that are now kept.
        var released: [DeliveryWaiter] = []
        var step = Step.none
    }

    fileprivate mutating func finish(
        _ batch: OutgoingBatch,
        _ settlement: DeliverySettlement,
        configuration: DestinationConfiguration,
        keepsDeadLetters: Bool
    ) -> End {
        var end = End()
        let pauses = lane.finish(batch, retrying: settlement.retrying)
        counts.deliveredCount += settlement.deliveredCount
        counts.failedCount += settlement.failed.count
        if settlement.deliveredCount > 0 { preparation.noteSuccess() }
        if let reason = settlement.retryReason ?? settlement.failed.last?.reason { counts.lastFailure = reason }
        if keepsDeadLetters {
            end.warns = noteDeadLetters(
                settlement.failed,
                of: batch,
                maximumCount: configuration.maximumDeadLetterCount
            )
        }
        let opens = lane.noteAttempt(deliveredCount: settlement.deliveredCount, of: batch.pending.count)
        if settlement.retrying.isEmpty {
            failureCount = 0
            if lane.endFailing() { end.change = .recovered }
        } else {
            if pauses { failureCount += 1 }
            counts.retryCount += 1
            if !lane.isFailing, settlement.spentMilliseconds >= configuration.timeoutMilliseconds {
                end.released = lane.beginFailing()
                end.change = .failing
            }
        }
        if opens, let cooldown = configuration.breaker?.cooldownMilliseconds {
            failureCount = 0
            end.pause = Pause(milliseconds: cooldown, isCooldown: true)
        } else if pauses, lane.breaker?.phase != .open {
            end.pause = Pause(milliseconds: settlement.delay(afterFailures: failureCount), isCooldown: false)
        }
        // The breaker opened, or the destination began to fail while this was under way.
        if lane.isHolding, batch.pending.hasWaiters { end.released += lane.releaseWaiters() }
        end.step = beginWork()
        return end
    }
}
