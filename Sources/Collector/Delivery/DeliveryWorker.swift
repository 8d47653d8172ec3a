import DequeModule
import EventJSON
import Logging
import Synchronization

/// Brings events to one destination: asks the lane what to do, and does it.
///
/// Whatever thread adds an entry works the lane off as far as it can: consent, mapping and the start of a delivery
/// happen there and then. Destinations that are not pipelined are called in a task of their own.
final class DeliveryWorker: Sendable {
    /// What the worker's lock guards.
    struct State {
        var lane: DeliveryLane
        var buffers = BatchBuffers()
        var deadLetters = DeadLetterQueue()
        var counts = CollectorStatus.Destination()
        var warnsOfHeld = true
        var warnsOfDeadLetters = true
        var retryCount = 0
        var drained: [CheckedContinuation<Void, Never>] = []
        /// Commands that wait until the destination has been told its changes.
        var telling: [FlushTracker] = []
    }

    /// The key under which results and status name the destination.
    let id: String
    let destination: any Destination
    let configuration: DestinationConfiguration
    let context: DestinationContext
    let counters: CollectorCounters
    let time: CollectorTime
    let state: Mutex<State>
    private let pipelined: (any PipelinedDestination)?

    /// Batches that a pipelined destination may have under way.
    private static let pipelinedBatchesInFlight = 64

    init(
        id: String,
        destination: any Destination,
        configuration: DestinationConfiguration,
        logger: Logger,
        counters: CollectorCounters,
        time: CollectorTime
    ) {
        self.id = id
        self.destination = destination
        self.configuration = configuration
        self.counters = counters
        self.time = time
        pipelined = destination as? any PipelinedDestination
        context = DestinationContext(
            id: id,
            logger: logger,
            settings: configuration.settings,
            environment: configuration.environment
        )
        let limits = DeliveryLane.Limits(batchesInFlight: pipelined == nil ? 1 : Self.pipelinedBatchesInFlight)
        state = Mutex(State(lane: DeliveryLane(limits: limits)))
    }

    private var logger: Logger { context.logger }

    /// Adds an entry. The caller then calls `work`, outside its own locks.
    func add(_ entry: DeliveryLane.Entry) {
        if case .event(let event) = entry, !state.withLock({ $0.lane.hasRoom }) {
            counters.countFailed()
            event.waiter.settle(id, .failed(reason: "too many events wait for destination \"\(id)\""))
            return
        }
        state.withLock { $0.lane.add(entry) }
    }

    /// Works the lane off as far as possible.
    func work() {
        guard state.withLock({ $0.lane.beginWork() }) else { return }
        while let work = state.withLock({ $0.lane.nextWork() }) {
            switch work {
            case .process(let entries): process(entries)
            case .deliver(let batch): deliver(batch)
            case .prepare: prepare()
            case .tell(let changes): tell(changes)
            }
        }
        resumeIfDrained()
    }

    // MARK: Consent and mapping

    private func process(_ entries: [DeliveryLane.Entry]) {
        let phase = state.withLock { $0.lane.phase }
        var deliveries = PendingDeliveries()
        deliveries.reserveCapacity(entries.count)
        for (position, entry) in entries.enumerated() {
            var needsPreparation = false
            switch entry {
            case .event(let event):
                needsPreparation = !process(event, isReady: phase == .ready, into: &deliveries)
            case .change(let change):
                state.withLock { $0.lane.note(change) }
                if phase == .ready {
                    // What came before the change is delivered before the destination is told.
                    let sent = deliveries
                    state.withLock { state in
                        state.lane.send(sent)
                        state.lane.putBack(entries[(position + 1)...])
                    }
                    return
                }
            case .flush(let snapshot, let tracker):
                let waiting = takeWaiting(snapshot, tracker: tracker)
                let rest = waiting.map { DeliveryLane.Entry.event($0) } + entries[(position + 1)...]
                let sent = deliveries
                let wantsPreparation = phase != .ready && hasChangesToTell(under: snapshot)
                if wantsPreparation { tracker?.expect(1) }
                tracker?.settle(nil)
                state.withLock { state in
                    state.lane.send(sent)
                    state.lane.putBack(rest)
                    if wantsPreparation {
                        state.lane.needPreparation()
                        if let tracker { state.telling.append(tracker) }
                    }
                }
                return
            }
            if needsPreparation {
                let sent = deliveries
                state.withLock { state in
                    state.lane.send(sent)
                    state.lane.putBack(entries[position...])
                    state.lane.needPreparation()
                }
                return
            }
        }
        let sent = deliveries
        state.withLock { $0.lane.send(sent) }
    }

    /// Gates and maps an event; false if the destination has to be made ready first.
    private func process(_ queued: QueuedEvent, isReady: Bool, into deliveries: inout PendingDeliveries) -> Bool {
        var event = queued.event
        guard gate(&event, late: queued) else {
            hold(queued)
            return true
        }
        guard isReady else { return false }
        mergeUser(into: &event, from: queued.state)
        let mapped = configuration.mapping.map(
            event,
            consent: queued.state.consent.object,
            nowMilliseconds: time.nowMilliseconds()
        )
        if mapped.failureCount > 0 {
            counters.countFailed(mapped.failureCount)
            logger.error("mapping processing failed", metadata: ["rule": "\(mapped.ruleKey ?? "")"])
        }
        if mapped.isConsentDenied {
            hold(queued)
        } else if mapped.isIgnored {
            settleIgnored(queued)
        } else {
            let delivery = Delivery(mapped)
            gather(delivery, queued.waiter, mapped, into: &deliveries)
        }
        return true
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

    private func hold(_ queued: QueuedEvent) {
        var held = queued
        held.waiter = .none
        let kept = held
        let (excess, warns) = state.withLock { state in
            let excess = state.lane.hold(kept, maximumCount: configuration.maximumQueueCount)
            return (excess, state.noteDroppedHeld(excess))
        }
        if warns, excess > 0 { logger.warning("destination.queuePush overflow; oldest events dropped") }
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
    }

    // MARK: Waiting events and changes of state

    /// Takes what waits, with its consent as it is now. Who asked is told of each outcome.
    private func takeWaiting(_ snapshot: StateSnapshot, tracker: FlushTracker?) -> [QueuedEvent] {
        let waiting = state.withLock { $0.lane.takeWaiting() }
        tracker?.expect(waiting.count)
        let waiter = tracker.map(DeliveryWaiter.flush) ?? .none
        return waiting.map { $0.withPresentConsent(snapshot, waiter: waiter) }
    }

    private func hasChangesToTell(under snapshot: StateSnapshot) -> Bool {
        let granted = ConsentStates.granted(collector: snapshot.consent.object, event: [:])
        return configuration.mapping.consent.isSatisfied(by: granted) && state.withLock { !$0.lane.changes.isEmpty }
    }

    private func tell(_ changes: [StateChange]) {
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

    private func prepare() {
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

    private func settleTelling(_ outcome: PushResult.Outcome) {
        let trackers = state.withLock { exchange(&$0.telling, with: []) }
        for tracker in trackers { tracker.settle(outcome) }
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
            return (waiting, state.noteDroppedHeld(excess) && excess > 0)
        }
        if warns { logger.warning("destination.queuePush overflow; oldest events dropped") }
        for event in waiting { event.waiter.settle(id, .queued) }
    }

    // MARK: Batches

    private func gather(
        _ delivery: Delivery,
        _ waiter: DeliveryWaiter,
        _ mapped: MappedEvent,
        into deliveries: inout PendingDeliveries
    ) {
        let rule = mapped.rule?.batch
        guard rule != nil || configuration.batch != nil else {
            deliveries.append(delivery, waiter)
            return
        }
        let options = BatchBuffers.ResolvedBatchOptions(rule: rule, destination: configuration.batch)
        let key = rule == nil ? BatchBuffers.sharedKey : mapped.ruleKey ?? BatchBuffers.sharedKey
        waiter.settle(id, nil)
        let action = state.withLock { state in
            state.lane.settle(1)
            return state.buffers.add(
                delivery,
                key: key,
                options: options,
                nowMilliseconds: time.monotonicMilliseconds()
            )
        }
        act(on: action, key: key)
    }

    private func act(on action: BatchBuffers.Action, key: String) {
        switch action {
        case .none: break
        case .deliver(let deliveries): state.withLock { $0.lane.send(deliveries, wereGathered: true) }
        case .wait(let milliseconds):
            Task {
                try? await time.sleep(.milliseconds(milliseconds))
                let action = state.withLock {
                    $0.buffers.check(key, nowMilliseconds: time.monotonicMilliseconds())
                }
                act(on: action, key: key)
                work()
            }
        }
    }

    // MARK: Delivery

    private func deliver(_ batch: OutgoingBatch) {
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
            pipelined.deliver(content) { outcomes in
                self.finish(begun, outcomes: outcomes)
                self.work()
            }
            return
        }
        let attempt = TimedAttempt { outcomes in
            self.finish(begun, outcomes: outcomes)
            self.work()
        }
        attempt.start(
            milliseconds: configuration.timeoutMilliseconds,
            time: time,
            timeoutOutcomes: begun.pending.waiters.map { _ in .rejected(reason: timeoutReason) }
        ) { await self.destination.deliver(content) }
    }

    private var timeoutReason: String {
        "Destination \"\(id)\" delivery timed out after \(configuration.timeoutMilliseconds)ms"
    }

    /// Settles a delivery's outcomes.
    private func finish(_ batch: OutgoingBatch, outcomes: [DeliveryOutcome]) {
        var settlement = DeliverySettlement(
            batch: batch,
            outcomes: outcomes,
            nowMilliseconds: time.monotonicMilliseconds(),
            timeoutMilliseconds: configuration.timeoutMilliseconds,
            timeoutReason: timeoutReason
        )
        let warns = state.withLock { state -> Bool in
            state.lane.finish(batch, retrying: settlement.retrying)
            state.retryCount = settlement.retrying.isEmpty ? 0 : state.retryCount + 1
            if !settlement.retrying.isEmpty {
                settlement.retryDelayMilliseconds = settlement.delay(afterRetries: state.retryCount)
            }
            state.counts.deliveredCount += settlement.deliveredCount
            state.counts.failedCount += settlement.failed.count
            return state.noteDeadLetters(
                settlement.failed,
                of: batch,
                maximumCount: configuration.maximumDeadLetterCount
            )
        }
        if warns { logger.warning("destination.dlq overflow; oldest entries dropped") }
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
        guard !settlement.retrying.isEmpty else { return }
        let delay = settlement.retryDelayMilliseconds
        Task {
            try? await time.sleep(.milliseconds(delay))
            state.withLock { $0.lane.resume() }
            work()
        }
    }

    // MARK: The end

    /// Delivers what was gathered and returns when nothing is under way any more.
    func drain() async {
        state.withLock { state in
            for batch in state.buffers.takeAll() { state.lane.send(batch, wereGathered: true) }
        }
        work()
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.lane.isIdle { return true }
                state.drained.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    private func resumeIfDrained() {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.lane.isIdle ? exchange(&state.drained, with: []) : []
        }
        for continuation in waiting { continuation.resume() }
    }

    /// The destination's numbers.
    var status: CollectorStatus.Destination {
        state.withLock { state in
            var counts = state.counts
            counts.heldCount = state.lane.held.count + state.lane.postponed.count
            counts.waitingCount = state.lane.waitingCount
            counts.batchedCount = state.buffers.count
            counts.deadLetterCount = state.deadLetters.count
            return counts
        }
    }
}

extension DeliveryWorker.State {
    /// Counts held events that had to go; whether this is the first of an episode.
    fileprivate mutating func noteDroppedHeld(_ count: Int) -> Bool {
        counts.droppedHeldCount += count
        return exchange(&warnsOfHeld, with: count == 0)
    }

    /// Keeps dead letters; whether the first of an episode had to go.
    fileprivate mutating func noteDeadLetters(
        _ failed: [(position: Int, reason: String)],
        of batch: OutgoingBatch,
        maximumCount: Int
    ) -> Bool {
        if failed.isEmpty { return false }
        var dropped = 0
        for (position, reason) in failed {
            let letter = DeadLetter(
                event: batch.pending.deliveries[position].event,
                reason: reason,
                attemptCount: batch.attemptCount
            )
            dropped += deadLetters.append(letter, maximumCount: maximumCount)
        }
        counts.droppedDeadLetterCount += dropped
        return exchange(&warnsOfDeadLetters, with: dropped == 0) && dropped > 0
    }
}
