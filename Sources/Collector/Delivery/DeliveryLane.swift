import DequeModule

/// The queue in front of one destination, as a value: what has come, what waits for what, what is under way.
///
/// The lane decides; a `DeliveryWorker` acts. Whoever adds something asks `beginWork`, and if the answer is yes takes
/// work until there is none. So at most one thread works for a destination at a time, in the order of arrival, and no
/// lock is held while it does.
struct DeliveryLane {
    /// Something that happened, in order.
    enum Entry: Sendable {
        case event(QueuedEvent)
        case change(StateChange)
        /// Let waiting events through if the collector's state now allows it.
        case flush(StateSnapshot, FlushTracker?)

        /// Where the queue has the event; nil if it has none.
        var place: QueuePlace? {
            if case .event(let event) = self { event.waiter.place } else { nil }
        }

        /// Takes who waits for an event; nil if this is none.
        mutating func takeWaiter() -> DeliveryWaiter? {
            guard case .event(var event) = self else { return nil }
            let waiter = event.waiter.takeCaller()
            self = .event(event)
            return waiter
        }
    }

    /// What is to be done next.
    enum Work: Sendable {
        case process([Entry])
        case prepare
        /// Bring an event through steps that have to be waited for.
        case refine(StepAttempt)
        case tell([StateChange])
        case deliver(OutgoingBatch)
        /// These were given up because the queue is full: nobody need wait for them.
        case forget(Forgotten)
    }

    /// Events that are not for the destination any more.
    struct Forgotten: Sendable {
        var waiters: [DeliveryWaiter] = []
        var followUps: [FollowUp] = []
        var isEmpty: Bool { waiters.isEmpty && followUps.isEmpty }
    }

    /// What became of entries that were to be processed.
    struct Processed {
        /// Mapped events, to be delivered.
        var deliveries = PendingDeliveries()
        /// Entries that cannot be processed yet.
        var rest: ArraySlice<Entry> = []
        /// Whether the destination has to be made ready before anything else is processed.
        var needsPreparation = false
        /// Changes that the destination is to be told after what came before them.
        var changes: [StateChange] = []
        /// An event whose steps have to be waited for before the rest is processed.
        var attempt: StepAttempt?
    }

    /// Whether the destination can take events.
    enum Phase: Sendable, Equatable {
        case unprepared
        /// `initialize` or `on` is running; nothing else happens meanwhile.
        case busy
        case ready
    }

    /// Whether an event is in steps that have to be waited for. Nothing behind it is processed meanwhile; what was
    /// mapped before it is delivered.
    private enum Refining {
        case nothing
        case next(StepAttempt)
        case underWay
        case paused(StepAttempt)
    }

    /// The bounds of a lane.
    struct Limits {
        /// Events taken at once, and so the largest batch without batch options.
        var chunkCount = 256
        /// Batches under way.
        var batchesInFlight: Int
        /// Events accepted and not yet settled, those that wait for consent aside.
        var waitingCount = 100_000
        /// Bytes of the events that wait for consent: senders choose how large those are.
        var heldByteCount = 64 << 20
        /// Calls of the destination that did not return in time; beyond it the lane waits for one that does.
        var abandonedCount = 4
    }

    let limits: Limits
    private(set) var phase = Phase.unprepared
    private(set) var entries = Deque<Entry>()
    /// Events that wait for consent.
    private(set) var held = Deque<QueuedEvent>()
    private var heldByteCount = 0
    /// Events that consent allows and that wait for the destination to be ready.
    private(set) var postponed: [QueuedEvent] = []
    /// Changes the destination has not been told.
    private(set) var changes: [StateChange] = []
    private(set) var outgoing = Deque<OutgoingBatch>()
    private(set) var inFlightCount = 0
    /// Events accepted and not yet settled.
    private(set) var waitingCount = 0
    private var isWorking = false
    private var isPaused = false
    /// Whether nothing more is begun, because another lane takes this one's place, or this one waits for another's
    /// events.
    private var isSuspended = false
    private var wantsPreparation = false
    /// Whether the destination keeps failing, or does not return: what comes is kept, and nobody waits for it.
    private(set) var isFailing = false
    /// Whether events do not cause another attempt to prepare the destination.
    var isPreparationPaused = false
    private var abandonedCount = 0
    private(set) var breaker: CircuitBreaker?
    /// Which of the queue's events may be given to the destination.
    var window = QueueWindow()
    /// What was given up and is still to be said.
    private var forgotten = Forgotten()
    private var nextNumber = 0
    private var refining = Refining.nothing
    /// Delivered events whose later steps are under way.
    private var followUpCount = 0

    init(limits: Limits, breaker: CircuitBreaker.Options? = nil) {
        self.limits = limits
        self.breaker = breaker.map(CircuitBreaker.init)
    }

    /// Whether there is room for another event.
    var hasRoom: Bool { waitingCount + postponed.count < limits.waitingCount }

    /// Whether nobody waits for what comes now: it is kept until the destination is better.
    var isHolding: Bool { isFailing || isPreparationPaused || breaker?.phase == .open }

    /// Whether nothing is left to do before the destination may be destroyed.
    var isIdle: Bool {
        entries.isEmpty && outgoing.isEmpty && inFlightCount == 0 && !isWorking && phase != .busy
            && !isRefining && followUpCount == 0
    }

    private var isRefining: Bool { if case .nothing = refining { false } else { true } }

    mutating func add(_ entry: Entry) {
        if isPreparationPaused, phase == .unprepared, entries.isEmpty, case .event(let event) = entry {
            return postponed.append(event)
        }
        if case .event = entry { waitingCount += 1 }
        // Events that wait for the destination come first, as they came before.
        if !postponed.isEmpty, !isOnlyChange(entry) { resumePostponed() }
        entries.append(entry)
    }

    private func isOnlyChange(_ entry: Entry) -> Bool {
        if case .change = entry { true } else { false }
    }

    /// Puts postponed events back in front, for another attempt to prepare the destination.
    mutating func resumePostponed() {
        if !outgoing.isEmpty { wantsPreparation = true }
        for event in postponed.reversed() { entries.prepend(.event(event)) }
        waitingCount += postponed.count
        postponed = []
    }

    /// Claims the lane for the caller, with the first piece of work; nil if there is none or someone is at work already.
    mutating func beginWork() -> Work? {
        if isWorking { return nil }
        isWorking = true
        return nextWork()
    }

    /// The next piece of work for who claimed the lane, or nil, which ends the claim.
    mutating func nextWork() -> Work? {
        if let work = availableWork() { return work }
        isWorking = false
        return nil
    }

    private mutating func availableWork() -> Work? {
        if !forgotten.isEmpty { return .forget(exchange(&forgotten, with: Forgotten())) }
        guard phase != .busy, !isPaused, !isSuspended else { return nil }
        if wantsPreparation, phase == .unprepared {
            wantsPreparation = false
            phase = .busy
            return .prepare
        }
        if case .next(let attempt) = refining {
            refining = .underWay
            return .refine(attempt)
        }
        if phase == .ready, !changes.isEmpty, inFlightCount == 0, outgoing.isEmpty, !isRefining {
            phase = .busy
            return .tell(exchange(&changes, with: []))
        }
        if !outgoing.isEmpty, phase == .ready {
            // One that keeps failing is asked with one batch, until that succeeds.
            guard inFlightCount < (isFailing ? 1 : limits.batchesInFlight), abandonedCount < limits.abandonedCount,
                breaker?.allows(inFlightCount: inFlightCount) ?? true
            else { return nil }
            inFlightCount += 1
            return outgoing.popFirst().map(Work.deliver)
        }
        if phase == .ready, !changes.isEmpty { return nil }
        guard let first = entries.first, !isRefining, window.allows(first.place) else { return nil }
        if entries.count == 1 { return entries.popFirst().map { .process([$0]) } }
        // Taken one by one, since that moves them; a prefix would copy each, and then drop each.
        let count = min(entries.count, limits.chunkCount)
        var chunk: [Entry] = []
        chunk.reserveCapacity(count)
        for _ in 0..<count where window.allows(entries[0].place) { chunk.append(entries.removeFirst()) }
        return .process(chunk)
    }

    /// Takes back what was to be processed. Gives the waiters of events that are kept until the
    /// destination is better.
    mutating func finishProcessing(_ processed: Processed) -> [DeliveryWaiter] {
        let released = send(processed.deliveries)
        if !processed.rest.isEmpty {
            if window.hasBegins { putBack(processed.rest) } else { entries.prepend(contentsOf: processed.rest) }
        }
        if processed.needsPreparation { wantsPreparation = true }
        changes += processed.changes
        if let attempt = processed.attempt { refining = .next(attempt) }
        return released
    }

    /// Takes back what steps made of an event. Gives the waiters of events that are kept until the
    /// destination is better.
    mutating func finishRefining(_ deliveries: PendingDeliveries) -> [DeliveryWaiter] {
        refining = .nothing
        return send(deliveries)
    }

    /// Puts off another attempt until `resumeRefining`.
    mutating func pauseRefining(_ attempt: StepAttempt) {
        refining = .paused(attempt)
    }

    /// Lets a put off attempt begin.
    mutating func resumeRefining() {
        if case .paused(let attempt) = refining { refining = .next(attempt) }
    }

    /// Ends an attempt whose transformer is not ready; returns the events that have to wait with it.
    mutating func giveUpRefining() -> [QueuedEvent] {
        refining = .nothing
        waitingCount -= 1
        return takeEvents()
    }

    /// Puts events back in front, to be looked at again.
    mutating func putBack(_ events: [QueuedEvent]) {
        putBack(events.map { Entry.event($0) }[...])
    }

    private mutating func putBack(_ rest: ArraySlice<Entry>) {
        for entry in rest.reversed() {
            if window.isGivenUp(entry.place) { forget(entry) } else { entries.prepend(entry) }
        }
    }

    /// Notes that a delivered event's later steps began, or ended.
    mutating func countFollowUps(_ change: Int) {
        followUpCount += change
    }

    /// Notes the end of `initialize`; returns the events that have to wait for another attempt.
    mutating func finishPreparation(_ isReady: Bool) -> [QueuedEvent] {
        phase = isReady ? .ready : .unprepared
        return isReady ? [] : takeEvents()
    }

    /// Takes the events that wait to be processed.
    private mutating func takeEvents() -> [QueuedEvent] {
        var events: [QueuedEvent] = []
        var others = Deque<Entry>()
        for entry in entries {
            if case .event(let event) = entry { events.append(event) } else { others.append(entry) }
        }
        entries = others
        waitingCount -= events.count
        return events
    }

    /// Keeps events until the destination is ready.
    mutating func postpone(_ events: [QueuedEvent]) {
        postponed += events.filter { !window.isGivenUp($0.waiter.place) }
    }

    /// Notes that the destination was told its changes.
    mutating func finishTelling() {
        phase = .ready
    }

    /// Keeps an event until consent is given; returns how many of the oldest had to go.
    mutating func hold(_ event: QueuedEvent, maximumCount: Int) -> Int {
        waitingCount -= 1
        held.append(event)
        heldByteCount += event.event.byteCount
        var excess = 0
        while held.count > maximumCount || (heldByteCount > limits.heldByteCount && held.count > 1) {
            heldByteCount -= held.removeFirst().event.byteCount
            excess += 1
        }
        return excess
    }

    /// Takes all events that wait for consent or readiness, in order, to be looked at again.
    mutating func takeWaiting() -> [QueuedEvent] {
        heldByteCount = 0
        let waiting = Array(exchange(&held, with: [])) + exchange(&postponed, with: [])
        waitingCount += waiting.count
        return waiting
    }

    /// Queues mapped events for delivery; those that were gathered in a batch count as waiting again.
    ///
    /// Gives the waiters of events that are kept until the destination is better.
    mutating func send(_ pending: PendingDeliveries, wereGathered: Bool = false) -> [DeliveryWaiter] {
        var pending = pending
        if wereGathered { waitingCount += pending.count }
        forget(from: &pending)
        if pending.isEmpty { return [] }
        outgoing.append(OutgoingBatch(number: nextNumber, pending: pending, isGathered: wereGathered))
        nextNumber += 1
        return isHolding ? outgoing[outgoing.count - 1].pending.takeWaiters() : []
    }

    /// Notes that events are settled without delivery: ignored, failed, or handed to a batch.
    mutating func settle(_ count: Int) {
        waitingCount -= count
    }

    /// Notes the end of a delivery. What is to be tried again goes back to its place, and the lane pauses.
    ///
    /// False if it already did.
    mutating func finish(_ batch: OutgoingBatch, retrying: [Int]) -> Bool {
        inFlightCount -= 1
        waitingCount -= batch.pending.count - retrying.count
        guard !retrying.isEmpty else { return false }
        let begins = !exchange(&isPaused, with: true)
        let place = outgoing.firstIndex { $0.number > batch.number } ?? outgoing.endIndex
        var rest = batch
        rest.pending = batch.pending.chosen(retrying)
        forget(from: &rest.pending)
        if !rest.pending.isEmpty { outgoing.insert(rest, at: place) }
        return begins
    }

    /// Tells the breaker of a delivery; true if it opened, so that the caller ends the cooldown in time.
    mutating func noteAttempt(deliveredCount: Int, of count: Int) -> Bool {
        if deliveredCount == count {
            breaker?.noteSuccess()
            return false
        }
        return deliveredCount == 0 && breaker?.noteFailure() == true
    }

    /// Takes the waiters of all that waits: it is kept, however long it takes.
    mutating func releaseWaiters() -> [DeliveryWaiter] {
        var released: [DeliveryWaiter] = []
        for place in outgoing.indices { released += outgoing[place].pending.takeWaiters() }
        for place in entries.indices {
            if let waiter = entries[place].takeWaiter() { released.append(waiter) }
        }
        return released
    }

    /// Notes that the destination keeps failing; gives the waiters of all that waits.
    mutating func beginFailing() -> [DeliveryWaiter] {
        isFailing = true
        return releaseWaiters()
    }

    /// Notes that the destination takes events again; whether it did not before.
    mutating func endFailing() -> Bool {
        exchange(&isFailing, with: false)
    }

    /// Notes a call that did not return in time, or that one of these returned.
    mutating func countAbandoned(_ change: Int) {
        abandonedCount += change
    }

    /// Forgets what the queue has and was not given to the destination.
    mutating func forgetQueued() {
        let count = entries.count
        entries.removeAll { $0.place != nil }
        waitingCount -= count - entries.count
        postponed.removeAll { $0.waiter.place != nil }
        switch refining {
        case .next(let attempt) where attempt.queued.waiter.place != nil,
            .paused(let attempt) where attempt.queued.waiter.place != nil:
            refining = .nothing
            waitingCount -= 1
        default: break
        }
        let sent = outgoing.reduce(0) { $0 + $1.pending.count }
        outgoing.removeAll { $0.pending.isQueued }
        waitingCount -= sent - outgoing.reduce(0) { $0 + $1.pending.count }
    }

    /// Forgets what was given up because the queue is full, up to that ordinal, and whatever of it is under way and comes
    /// back.
    mutating func giveUp(_ feed: QueueFeed, before ordinal: UInt64) {
        window.begin(feed, at: ordinal)
        guard window.hasBegins else { return }
        for entry in entries where window.isGivenUp(entry.place) { forget(entry) }
        entries.removeAll { window.isGivenUp($0.place) }
        postponed.removeAll { window.isGivenUp($0.waiter.place) }
        for index in outgoing.indices {
            var pending = outgoing[index].pending
            forget(from: &pending)
            outgoing[index].pending = pending
        }
        outgoing.removeAll { $0.pending.isEmpty }
    }

    private mutating func forget(_ entry: Entry) {
        var entry = entry
        waitingCount -= 1
        if let waiter = entry.takeWaiter(), waiter.isAwaited { forgotten.waiters.append(waiter) }
    }

    private mutating func forget(from pending: inout PendingDeliveries) {
        guard window.hasBegins else { return }
        let window = window
        var given = pending.takeAll { window.isGivenUp($0.place) }
        waitingCount -= given.count
        forgotten.followUps += (0..<given.count).compactMap { given.followUp($0) }
        forgotten.waiters += given.takeWaiters().filter(\.isAwaited)
    }

    /// Ends the breaker's cooldown.
    mutating func finishCooldown() {
        breaker?.finishCooldown()
        isPaused = false
    }

    /// Ends a pause.
    mutating func resume() {
        isPaused = false
    }
}

// MARK: - Handing over to another lane

extension DeliveryLane {
    /// What waits in a lane, to go on in another.
    struct Remainder {
        /// Mapped events, in the order in which they were made.
        var outgoing: [PendingDeliveries] = []
        /// Events that are not mapped yet, in order; those that were held or postponed first.
        var events: [QueuedEvent] = []
    }

    /// Begins nothing more.
    mutating func suspend() {
        isSuspended = true
    }

    /// Whether a suspended lane has nothing under way any more.
    var isSettled: Bool {
        isSuspended && inFlightCount == 0 && !isWorking && phase != .busy && followUpCount == 0 && !isStepUnderWay
    }

    private var isStepUnderWay: Bool { if case .underWay = refining { true } else { false } }

    /// Takes all that waits out of a settled lane.
    mutating func takeRemainder() -> Remainder {
        var remainder = Remainder()
        remainder.outgoing = exchange(&outgoing, with: []).map(\.pending)
        remainder.events = Array(exchange(&held, with: [])) + exchange(&postponed, with: [])
        switch exchange(&refining, with: .nothing) {
        case .next(let attempt), .paused(let attempt): remainder.events.append(attempt.queued)
        case .nothing, .underWay: break
        }
        for entry in exchange(&entries, with: []) {
            if case .event(let event) = entry { remainder.events.append(event) }
            if case .flush(_, let tracker) = entry { tracker?.settle(nil) }
        }
        heldByteCount = 0
        waitingCount = 0
        return remainder
    }

    /// Puts what waited in another lane in front, and begins.
    ///
    /// Events that wait for consent are looked at again under `present`.
    mutating func resume(with remainder: Remainder, present: StateSnapshot) {
        isSuspended = false
        if !remainder.outgoing.isEmpty { wantsPreparation = true }
        for var pending in remainder.outgoing {
            waitingCount += pending.count
            forget(from: &pending)
            if pending.isEmpty { continue }
            outgoing.append(OutgoingBatch(number: nextNumber, pending: pending, isGathered: false))
            nextNumber += 1
        }
        guard !remainder.events.isEmpty else { return }
        waitingCount += remainder.events.count
        entries.prepend(.flush(present, nil))
        putBack(remainder.events)
    }
}
