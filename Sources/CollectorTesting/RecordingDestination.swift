public import Collector
import Synchronization

/// A destination that remembers what it is given, and answers as a test wants.
///
/// ```swift
/// let destination = RecordingDestination { $0.event.name == "bad event" ? .rejected(reason: "no") : .delivered() }
/// await destination.delivered(count: 3)   // waits until three events were taken
/// ```
public final class RecordingDestination: Destination {
    private struct State {
        var deliveries: [Delivery] = []
        var settledCount = 0
        var waiters: [(count: Int, ofDelivered: Bool, continuation: CheckedContinuation<Void, Never>)] = []

        func hasCome(_ count: Int, ofDelivered: Bool) -> Bool {
            (ofDelivered ? deliveries.count : settledCount) >= count
        }
    }

    /// "recording".
    public let type = "recording"
    private let outcome: @Sendable (Delivery) -> DeliveryOutcome
    private let state = Mutex(State())

    /// A destination that takes everything, or answers what the closure says.
    public init(outcome: @escaping @Sendable (Delivery) -> DeliveryOutcome = { _ in .delivered() }) {
        self.outcome = outcome
    }

    /// What was delivered so far, in order.
    public var deliveries: [Delivery] { state.withLock { $0.deliveries } }

    /// Returns once that many events have come, delivered or not.
    public func settled(count: Int) async { await wait(for: count, ofDelivered: false) }

    /// Returns once that many events were delivered.
    public func delivered(count: Int) async { await wait(for: count, ofDelivered: true) }

    private func wait(for count: Int, ofDelivered: Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.hasCome(count, ofDelivered: ofDelivered) { return true }
                state.waiters.append((count, ofDelivered, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Records the batch.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        let outcomes = batch.deliveries.map(outcome)
        let due = state.withLock { state in
            for (delivery, outcome) in zip(batch.deliveries, outcomes) {
                if case .delivered = outcome { state.deliveries.append(delivery) }
            }
            state.settledCount += outcomes.count
            let due = state.waiters.filter { state.hasCome($0.count, ofDelivered: $0.ofDelivered) }
            let rest = state.waiters.filter { !state.hasCome($0.count, ofDelivered: $0.ofDelivered) }
            state.waiters = rest
            return due
        }
        for waiter in due { waiter.continuation.resume() }
        return outcomes
    }
}
