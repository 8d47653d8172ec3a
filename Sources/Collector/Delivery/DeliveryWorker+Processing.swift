import EventJSON
import Logging
import Synchronization

/// Consent and mapping: what becomes of entries before they are delivered.
extension DeliveryWorker {
    func process(_ entries: [DeliveryLane.Entry]) -> DeliveryLane.Processed {
        let isReady = state.withLock { $0.lane.phase == .ready }
        var processed = DeliveryLane.Processed()
        processed.deliveries.reserveCapacity(entries.count)
        for (position, entry) in entries.enumerated() {
            switch entry {
            case .event(let event):
                switch process(event, isReady: isReady, into: &processed.deliveries) {
                case .done: continue
                case .needsPreparation:
                    processed.rest = entries[position...]
                    processed.needsPreparation = true
                case .waits(let attempt):
                    processed.rest = entries[(position + 1)...]
                    processed.attempt = attempt
                }
            case .change(let change):
                processed.changes.append(change)
                if !isReady { continue }
                // What came before the change is delivered before the destination is told.
                processed.rest = entries[(position + 1)...]
            case .flush(let snapshot, let tracker):
                reader?.releaseHeld()
                let waiting = takeWaiting(snapshot, tracker: tracker)
                processed.rest = waiting.map { DeliveryLane.Entry.event($0) } + entries[(position + 1)...]
                processed.needsPreparation = !isReady && mayTellChanges(processed.changes, under: snapshot)
                if processed.needsPreparation, let tracker {
                    tracker.expect(1)
                    state.withLock { $0.telling.append(tracker) }
                }
                tracker?.settle(nil)
            }
            break
        }
        return processed
    }

    /// How far an event was brought.
    enum Stage {
        case done
        /// The destination has to be made ready first.
        case needsPreparation
        /// Its steps wait for something, or failed and are to be tried again.
        case waits(StepAttempt)
    }

    /// Gates an event, brings it through the destination's steps, and maps it.
    private func process(_ queued: QueuedEvent, isReady: Bool, into deliveries: inout PendingDeliveries) -> Stage {
        var event = queued.event
        guard gate(&event, late: queued) else {
            hold(queued)
            return .done
        }
        guard isReady else { return .needsPreparation }
        mergeUser(into: &event, from: queued.state)
        var followUp: FollowUp?
        if let steps {
            guard queued.isRefined else { return refine(queued, event, steps, into: &deliveries) }
            followUp = steps.followUp(StepRun.Output(event: event, ingest: queued.ingest, cacheEntries: []))
        }
        map(event, queued, followUp, into: &deliveries)
        return .done
    }

    /// Maps an event and hands it on.
    func map(_ event: Event, _ queued: QueuedEvent, _ followUp: FollowUp?, into deliveries: inout PendingDeliveries) {
        let mapped = configuration.mapping.map(
            event,
            consent: queued.state.consent.object,
            nowMilliseconds: time.nowMilliseconds
        )
        if mapped.failureCount > 0 {
            counters.countFailed(mapped.failureCount)
            logger.error("mapping processing failed", metadata: ["rule": "\(mapped.ruleKey ?? "")"])
        }
        if mapped.isConsentDenied {
            hold(queued)
            if let followUp { release(followUp.keys, isKnown: false) }
        } else if mapped.isIgnored {
            settleIgnored(queued)
            if let followUp { release(followUp.keys, isKnown: false) }
        } else {
            gather(mapped, queued.waiter, followUp, into: &deliveries)
        }
    }

    /// Reduces the event's consent to what is granted; false if the destination needs consent that is not.
    private func gate(_ event: inout Event, late queued: QueuedEvent) -> Bool {
        let collector = queued.isLate ? JSONObject() : queued.state.consent.object
        let requirement = configuration.mapping.consent
        if collector.isEmpty,
            let isSatisfied = event.withText(of: .consent, { requirement.isSatisfied(byTrueStates: $0, in: $1) }) ?? nil
        {
            return isSatisfied
        }
        let own = event[.consent].object ?? [:]
        if collector.isEmpty, own.isEmpty {
            if event[.consent].object == nil { event.replace(.consent, by: [:]) }
            return requirement.isEmpty
        }
        let granted = ConsentStates.granted(collector: collector, event: own)
        guard requirement.isSatisfied(by: granted) else { return false }
        if !granted.members.elementsEqual(own.members) { event.replace(.consent, by: granted) }
        return true
    }

    /// Lays the event's user over the collector's.
    private func mergeUser(into event: inout Event, from snapshot: StateSnapshot) {
        if snapshot.user.object.isEmpty { return }
        guard let own = event[.user].object else { return }
        let merged = snapshot.user.object.assigning(own)
        if !merged.members.elementsEqual(own.members) { event.replace(.user, by: merged) }
    }

    func hold(_ queued: QueuedEvent) {
        if let reader, let place = queued.waiter.place {
            state.withLock { $0.lane.settle(1) }
            return reader.hold(queued, at: place)
        }
        let kept = queued.unawaited
        let warns = state.withLock { state in
            state.noteDroppedHeld(state.lane.hold(kept, maximumCount: configuration.maximumQueueCount))
        }
        if warns { logger.warning("destination.queuePush overflow; oldest events dropped") }
        queued.waiter.settle(id, .queued)
    }

    private func settleIgnored(_ queued: QueuedEvent) {
        state.withLock { state in
            state.lane.settle(1)
            state.counts.deliveredCount += 1
            state.counts.ignoredCount += 1
        }
        counters.countDelivered(1)
        queued.waiter.settle(id, .done(response: .missing))
        settle(queued.waiter)
    }

    /// Takes what waits, with its consent as it is now. Who asked is told of each outcome.
    private func takeWaiting(_ snapshot: StateSnapshot, tracker: FlushTracker?) -> [QueuedEvent] {
        let waiting = state.withLock { $0.lane.takeWaiting() }
        tracker?.expect(waiting.count)
        let waiter = tracker.map(DeliveryWaiter.flush) ?? .none
        return waiting.map { $0.withPresentConsent(snapshot, waiter: waiter) }
    }

    /// Whether there are changes to tell, new or from before, and the collector's consent allows it.
    private func mayTellChanges(_ new: [StateChange], under snapshot: StateSnapshot) -> Bool {
        let granted = ConsentStates.granted(collector: snapshot.consent.object, event: [:])
        guard configuration.mapping.consent.isSatisfied(by: granted) else { return false }
        return !new.isEmpty || state.withLock { !$0.lane.changes.isEmpty }
    }
}
