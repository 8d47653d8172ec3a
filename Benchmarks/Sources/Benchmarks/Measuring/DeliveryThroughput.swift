import Collector
import Dispatch
import Synchronization

/// Measures how many events per second a destination gets through.
struct DeliveryThroughput {
    let destination: any PipelinedDestination
    let eventCount: Int

    /// Delivers the batch over and over, that many times at once; events per second.
    func measure(_ batch: DeliveryBatch, window: Int) throws -> Double {
        let room = DispatchSemaphore(value: window)
        let failedCount = Atomic(0)
        let roundCount = eventCount / batch.deliveries.count
        let seconds = Stopwatch.seconds {
            for _ in 0..<roundCount {
                room.wait()
                destination.deliver(batch) { outcomes in
                    let failed = outcomes.count { if case .delivered = $0 { false } else { true } }
                    failedCount.add(failed, ordering: .relaxed)
                    room.signal()
                }
            }
            for _ in 0..<window { room.wait() }
            for _ in 0..<window { room.signal() }
        }
        guard failedCount.load(ordering: .relaxed) == 0 else { throw BenchmarkError("events were not delivered") }
        return Double(roundCount * batch.deliveries.count) / seconds
    }
}
