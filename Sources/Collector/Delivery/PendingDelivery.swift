import EventJSON

/// An event that waits at a destination, with the state it was accepted under.
struct QueuedEvent: Sendable {
    var event: Event
    let state: StateSnapshot
    /// Whether the event waited and its consent is to be taken from the collector, save what the event itself denies.
    var isLate = false
    var waiter: DeliveryWaiter

    /// What a waiting event's consent becomes under the collector's present consent: the collector's, except that a
    /// denial of the event's own stays.
    func withPresentConsent(_ present: StateSnapshot, waiter: DeliveryWaiter) -> QueuedEvent {
        var states = present.consent.object
        for member in event[.consent].object ?? [:] where !member.value.isTruthy { states[member.name] = false }
        var event = event
        event[.consent] = .object(states)
        return QueuedEvent(event: event, state: present, isLate: true, waiter: waiter)
    }
}

/// A mapped event on its way, until its outcome is known.
struct PendingDelivery: Sendable {
    let delivery: Delivery
    let waiter: DeliveryWaiter
    var attemptCount = 0
    /// When it was first tried, in milliseconds of the monotonic clock.
    var firstAttemptMilliseconds: Int?
}

/// Deliveries that go to the destination together, numbered in the order in which they were made.
struct OutgoingBatch: Sendable {
    let number: Int
    var deliveries: [PendingDelivery]
    /// Whether batch options gathered the events.
    let isGathered: Bool
}
