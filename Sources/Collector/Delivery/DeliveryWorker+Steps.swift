import EventJSON
import Logging
import Synchronization

/// Bringing events through the destination's steps before they are mapped.
extension DeliveryWorker {
    /// Brings an event through the steps as far as that needs no waiting.
    func refine(
        _ queued: QueuedEvent,
        _ event: Event,
        _ steps: DestinationSteps,
        into deliveries: inout PendingDeliveries
    ) -> Stage {
        var run = begin(event, queued, steps)
        let progress = run.advance()
        switch progress {
        case .finished: handOn(run, queued, steps, into: &deliveries)
        case .failed(.occupied(let key)): park(queued, behind: key, run)
        case .failed, .waiting:
            let attempt = StepAttempt(
                queued,
                event,
                begun: (run, progress),
                attemptCount: 1,
                firstMilliseconds: time.monotonicMilliseconds()
            )
            return .waits(attempt)
        }
        return .done
    }

    private func begin(_ event: Event, _ queued: QueuedEvent, _ steps: DestinationSteps) -> StepRun {
        steps.run(event, queued) { key in
            self.state.withLock { state in
                if state.claims[key] != nil { return false }
                state.claims[key] = []
                return true
            }
        }
    }

    /// Goes on with an attempt that has to be waited for, or begins it anew.
    func go(on attempt: StepAttempt) {
        guard let steps else { return }
        var run = attempt.begun?.run ?? begin(attempt.event, attempt.queued, steps)
        let progress = attempt.begun?.progress ?? run.advance()
        guard case .waiting(let operation) = progress else {
            return finish(attempt, StepWait.End(run: run, progress: progress), steps)
        }
        StepWait.begin(run, operation, milliseconds: configuration.timeoutMilliseconds, time: time) { end in
            self.finish(attempt, end, steps)
            self.work()
        }
    }

    private func finish(_ attempt: StepAttempt, _ end: StepWait.End, _ steps: DestinationSteps) {
        switch end.progress {
        case .finished, .waiting:
            var deliveries = PendingDeliveries()
            handOn(end.run, attempt.queued, steps, into: &deliveries)
            send(deliveries)
        case .failed(let failure):
            if case .occupied(let key) = failure {
                park(attempt.queued, behind: key, end.run)
                return send(PendingDeliveries())
            }
            release(end.run.claimedKeys, isKnown: false)
            let spent = time.monotonicMilliseconds() - attempt.firstMilliseconds
            switch failure {
            case .notReady: postpone(attempt.queued, failure)
            case .failed where spent < configuration.timeoutMilliseconds: tryAgain(attempt, failure)
            default: giveUp(attempt, failure)
            }
        }
    }

    private func send(_ deliveries: PendingDeliveries) {
        let released = state.withLock { $0.lane.finishRefining(deliveries) }
        for waiter in released { waiter.settle(id, .queued) }
    }

    // MARK: What comes of it

    /// Maps what the steps made of an event, or settles it if they left nothing of it.
    private func handOn(
        _ run: StepRun,
        _ queued: QueuedEvent,
        _ steps: DestinationSteps,
        into deliveries: inout PendingDeliveries
    ) {
        let outputs = run.outputs
        let kept = Set(outputs.flatMap { $0.cacheEntries.map(\.entry.key) })
        for key in run.claimedKeys where !kept.contains(key) {
            release([key], isKnown: run.knownKeys.contains(key))
        }
        if run.droppedCount + run.knownCount > 0 || outputs.count != 1 {
            state.withLock { state in
                state.counts.droppedCount += run.droppedCount
                state.counts.knownCount += run.knownCount
                state.lane.settle(1 - outputs.count)
            }
        }
        if outputs.isEmpty {
            queued.waiter.settle(id, nil)
            return settle(queued.waiter)
        }
        if outputs.count > 1 {
            queued.waiter.expect(outputs.count - 1)
            if let place = queued.waiter.place { reader?.expect(outputs.count - 1, at: place) }
        }
        for output in outputs {
            var child = queued
            child.ingest = output.ingest
            if outputs.count > 1 {
                child.event = output.event
                child.isRefined = true
            }
            let followUp = steps.followUp(output)
            // A step may have taken back the consent by which the event came so far.
            let requirement = configuration.mapping.consent
            guard requirement.isEmpty || requirement.isSatisfied(by: output.event[.consent].object ?? [:]) else {
                hold(child)
                if let followUp { release(followUp.keys, isKnown: false) }
                continue
            }
            map(output.event, child, followUp, into: &deliveries)
        }
    }

    /// Keeps an event until it is known what becomes of the one with the same cache key.
    private func park(_ queued: QueuedEvent, behind key: String, _ run: StepRun) {
        release(run.claimedKeys, isKnown: false)
        let kept = queued.unawaited
        state.withLock { state in
            if state.claims[key] == nil { state.lane.putBack([kept]) } else { state.claims[key]?.append(kept) }
        }
        queued.waiter.settle(id, .queued)
    }

    /// Gives keys free. Events that waited for them are known now, or are looked at again.
    func release(_ keys: [String], isKnown: Bool) {
        if keys.isEmpty { return }
        let places = state.withLock { state -> [QueuePlace] in
            var places: [QueuePlace] = []
            for key in keys {
                guard let parked = state.claims.removeValue(forKey: key), !parked.isEmpty else { continue }
                if isKnown {
                    state.lane.settle(parked.count)
                    state.counts.knownCount += parked.count
                    places += parked.compactMap(\.waiter.place)
                } else {
                    state.lane.putBack(parked)
                }
            }
            return places
        }
        if !places.isEmpty { reader?.settle(places) }
    }

    // MARK: Failures

    private func postpone(_ queued: QueuedEvent, _ failure: StepFailure) {
        counters.countFailed()
        logger.error("destination waits for a step", metadata: ["error": "\(failure.reason)"])
        let (waiting, pause) = state.withLock { state -> ([QueuedEvent], Int?) in
            let waiting = [queued] + state.lane.giveUpRefining()
            state.lane.postpone(waiting.map(\.unawaited))
            state.counts.lastFailure = failure.reason
            return (waiting, state.preparation.noteFailure())
        }
        for event in waiting { event.waiter.settle(id, .queued) }
        if let pause { prepareAgain(afterMilliseconds: pause) }
    }

    private func tryAgain(_ attempt: StepAttempt, _ failure: StepFailure) {
        logger.warning("a step failed and is tried again", metadata: ["error": "\(failure.reason)"])
        let pause = configuration.retry.pauseMilliseconds(afterFailures: attempt.attemptCount)
        state.withLock { $0.lane.pauseRefining(attempt.next) }
        Task {
            try? await time.sleep(.milliseconds(pause))
            state.withLock { $0.lane.resumeRefining() }
            work()
        }
    }

    private func giveUp(_ attempt: StepAttempt, _ failure: StepFailure) {
        counters.countFailed()
        logger.error("Push failed", metadata: ["error": "\(failure.reason)", "event": "\(attempt.event.name)"])
        let letter = DeadLetter(event: attempt.event, reason: failure.reason, attemptCount: attempt.attemptCount)
        let warns = state.withLock { state in
            state.counts.failedCount += 1
            state.lane.settle(1)
            _ = state.lane.finishRefining(PendingDeliveries())
            if reader != nil { return false }
            return state.noteDeadLetters([letter], maximumCount: configuration.maximumDeadLetterCount)
        }
        if warns { logger.warning("destination.dlq overflow; oldest entries dropped") }
        attempt.queued.waiter.settle(id, .failed(reason: failure.reason))
        if attempt.queued.waiter.place != nil { reader?.bury([(letter, attempt.queued.waiter)]) }
    }
}
