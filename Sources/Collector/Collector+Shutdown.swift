import Logging
public import ServiceLifecycle
import Synchronization

extension Collector {
    /// Ends the collector: no more events are taken, what is under way is delivered, then destinations, transformers
    /// and stores are destroyed, in this order.
    ///
    /// The steps of sources have five seconds to end, each destination five to deliver and five to end, transformers
    /// and stores five each. A second call returns at once.
    public func shutdown() async {
        guard state.withLock({ exchange(&$0.isOpen, with: false) }) else { return }
        if sourceSteps != nil, await !Deadline.run(Self.patience, time: time, { await self.drainSources() }) {
            logger.error("sources ended with events in their steps")
        }
        let workers = state.withLock { $0.workers + $0.retired }
        await withTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { await self.end(worker) } }
        }
        await plan.end(within: Self.patience)
    }

    /// How long each of these may take.
    static let patience = Duration.seconds(5)

    /// Drains and destroys one destination.
    func end(_ worker: DeliveryWorker) async {
        worker.leaveToQueue()
        let isDrained = await Deadline.run(Self.patience, time: time) { await worker.drain() }
        let waiting = worker.status
        if !isDrained || (worker.reader == nil && waiting.heldCount > 0) {
            worker.context.logger.warning(
                "destination ended with events waiting",
                metadata: ["waiting": "\(waiting.waitingCount)", "held": "\(waiting.heldCount)"]
            )
        }
        if !isDrained { worker.failWaiters() }
        await worker.destroy()
        if let reader = worker.reader {
            _ = await Deadline.run(Self.patience, time: time) { await reader.finishSaving() }
        }
    }
}

extension DeliveryWorker {
    /// Takes nothing more from the queue, and leaves to it what was not given to the destination.
    func leaveToQueue() {
        guard let reader else { return }
        reader.close()
        state.withLock { $0.lane.forgetQueued() }
    }

    /// Ends the destination, once.
    func destroy() async {
        guard !state.withLock({ exchange(&$0.isDestroyed, with: true) }) else { return }
        let isDestroyed = await Deadline.run(Collector.patience, time: time) {
            do {
                try await self.destination.destroy(self.context)
            } catch {
                self.logger.error("destination '\(self.id)' destroy failed: \(error)")
            }
        }
        if !isDestroyed { logger.error("destination '\(id)' destroy failed: timed out") }
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
