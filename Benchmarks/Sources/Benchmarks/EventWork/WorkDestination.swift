import Collector
import EventJSON
import Synchronization

/// A destination that writes events' text as one for Redis does, into one buffer, and is done.
final class WorkDestination: PipelinedDestination {
    private struct State {
        var text: [UInt8] = []
        var last: Delivery?
        var keepsLast = false
    }

    private let state = Mutex(State())

    var type: String { "work" }

    /// Keeps the next delivery, to look at.
    func keepNext() {
        state.withLock { $0.keepsLast = true }
    }

    /// The delivery that was kept.
    func takeKept() -> Delivery? {
        state.withLock { state in
            let last = state.last
            state.last = nil
            return last
        }
    }

    func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        state.withLock { state in
            for delivery in batch.deliveries {
                state.text.removeAll(keepingCapacity: true)
                delivery.event.appendJSON(to: &state.text)
            }
            if state.keepsLast {
                state.last = batch.deliveries.last
                state.keepsLast = false
            }
        }
        completion(Array(repeating: .delivered(), count: batch.deliveries.count))
    }
}
