import Logging
public import ServiceLifecycle
import Synchronization

extension Collector {
    /// Ends the collector: no more events are taken, what is under way is delivered, then destinations are destroyed.
    ///
    /// Each destination has five seconds to deliver and five to end. A second call returns at once.
    public func shutdown() async {
        let workers = state.withLock { state -> [DeliveryWorker] in
            guard state.isOpen else { return [] }
            state.isOpen = false
            return state.workers
        }
        await withTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { await self.end(worker) } }
        }
    }

    /// How long a destination may take to deliver what is under way, and again to end.
    private static let patience = Duration.seconds(5)

    /// Drains and destroys one destination.
    func end(_ worker: DeliveryWorker) async {
        let isDrained = await Deadline.run(Self.patience, time: time) { await worker.drain() }
        let waiting = worker.status
        if !isDrained || waiting.heldCount > 0 {
            worker.context.logger.warning(
                "destination ended with events waiting",
                metadata: ["waiting": "\(waiting.waitingCount)", "held": "\(waiting.heldCount)"]
            )
        }
        let isDestroyed = await Deadline.run(Self.patience, time: time) {
            do {
                try await worker.destination.destroy(worker.context)
            } catch {
                worker.context.logger.error("destination '\(worker.id)' destroy failed: \(error)")
            }
        }
        if !isDestroyed { worker.context.logger.error("destination '\(worker.id)' destroy failed: timed out") }
    }
}

extension Collector: Service {
    /// Starts the collector and keeps it until the service group shuts down gracefully; then drains and ends it.
    public func run() async throws {
        await start()
        try? await gracefulShutdown()
        await shutdown()
    }
}
