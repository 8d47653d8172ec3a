import Synchronization

/// The collector's totals, counted by every thread.
final class CollectorCounters: Sendable {
    private let accepted = Atomic<Int>(0)
    private let delivered = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)

    /// Counts an accepted event.
    func countAccepted() { accepted.wrappingAdd(1, ordering: .relaxed) }
    /// Counts deliveries that ended well, per event and destination.
    func countDelivered(_ count: Int) { delivered.wrappingAdd(count, ordering: .relaxed) }
    /// Counts deliveries, mapped values, preparations and pushes that failed.
    func countFailed(_ count: Int = 1) { failed.wrappingAdd(count, ordering: .relaxed) }

    var totals: (accepted: Int, delivered: Int, failed: Int) {
        (accepted.load(ordering: .relaxed), delivered.load(ordering: .relaxed), failed.load(ordering: .relaxed))
    }
}
