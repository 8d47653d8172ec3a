import EventJSON

/// An event that waits at a destination, with the state it was accepted under.
struct QueuedEvent: Sendable {
    var event: Event
    let state: StateSnapshot
    /// Whether the event waited and its consent is to be taken from the collector, save what the event itself denies.
    var isLate = false
    /// Whether the event has gone through the destination's steps.
    var isRefined = false
    var waiter: DeliveryWaiter
    /// What the source noted of its request; nil if no step asks for it.
    var ingest: Ingest?

    /// The event without anyone who waits for it.
    var unawaited: QueuedEvent {
        var event = self
        _ = event.waiter.takeCaller()
        return event
    }

    /// What a waiting event's consent becomes under the collector's present consent: the collector's, except that a
    /// denial of the event's own stays.
    func withPresentConsent(_ present: StateSnapshot, waiter: DeliveryWaiter) -> QueuedEvent {
        var states = present.consent.object
        for member in event[.consent].object ?? [:] where !member.value.isTruthy { states[member.name] = false }
        var event = event
        event.replace(.consent, by: states)
        return QueuedEvent(
            event: event,
            state: present,
            isLate: true,
            isRefined: isRefined,
            waiter: self.waiter.awaited(by: waiter),
            ingest: ingest
        )
    }
}

/// Mapped events on their way, until their outcomes are known: the deliveries, and beside each who waits for it.
///
/// Arrays side by side, because the first is what the destination gets, as it is.
struct PendingDeliveries: Sendable {
    private(set) var deliveries: [Delivery] = []
    private(set) var waiters: [DeliveryWaiter] = []
    /// What is to be done after each delivery; empty if for none.
    private(set) var followUps: [FollowUp?] = []

    var isEmpty: Bool { deliveries.isEmpty }
    var count: Int { deliveries.count }

    mutating func reserveCapacity(_ count: Int) {
        deliveries.reserveCapacity(count)
        waiters.reserveCapacity(count)
    }

    mutating func append(_ delivery: Delivery, _ waiter: DeliveryWaiter, _ followUp: FollowUp? = nil) {
        deliveries.append(delivery)
        waiters.append(waiter)
        guard followUp != nil || !followUps.isEmpty else { return }
        while followUps.count < deliveries.count - 1 { followUps.append(nil) }
        followUps.append(followUp)
    }

    /// What is to be done after the delivery at that position.
    func followUp(_ position: Int) -> FollowUp? {
        position < followUps.count ? followUps[position] : nil
    }

    /// Whether anybody waits.
    var hasWaiters: Bool { waiters.contains(where: \.isAwaited) }

    /// Whether the queue has these events.
    var isQueued: Bool { waiters.first?.place != nil }

    /// Takes those who wait; nobody waits any more.
    mutating func takeWaiters() -> [DeliveryWaiter] {
        waiters.indices.map { waiters[$0].takeCaller() }
    }

    /// Takes those out whose waiters are such.
    mutating func takeAll(where isTaken: (DeliveryWaiter) -> Bool) -> PendingDeliveries {
        guard waiters.contains(where: isTaken) else { return PendingDeliveries() }
        let taken = waiters.indices.filter { isTaken(waiters[$0]) }
        let rest = waiters.indices.filter { !isTaken(waiters[$0]) }
        let result = chosen(taken)
        self = chosen(rest)
        return result
    }

    /// Those at these positions.
    func chosen(_ positions: [Int]) -> PendingDeliveries {
        var chosen = PendingDeliveries()
        for position in positions { chosen.append(deliveries[position], waiters[position], followUp(position)) }
        return chosen
    }
}

/// Deliveries that go to the destination together, numbered in the order in which they were made.
struct OutgoingBatch: Sendable {
    let number: Int
    var pending: PendingDeliveries
    /// Whether batch options gathered the events.
    let isGathered: Bool
    var attemptCount = 0
    /// When it was first tried, in milliseconds of the monotonic clock.
    var firstAttemptMilliseconds: Int?

    /// Milliseconds since it was first tried.
    func spentMilliseconds(_ nowMilliseconds: Int) -> Int {
        nowMilliseconds - (firstAttemptMilliseconds ?? nowMilliseconds)
    }
}
