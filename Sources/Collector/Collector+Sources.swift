import EventJSON
import Logging
import Synchronization

/// What sources need besides pushing.
extension Collector {
    /// The time by the collector's clock, in milliseconds since 1970.
    public var nowMilliseconds: Int { time.nowMilliseconds() }

    /// Counts a request that brought nothing that could be read.
    public func countRejection(source: String) {
        state.withLock { $0.sources[source, default: .init()].rejectedCount += 1 }
    }

    /// Why the first invalid event of a batch will be refused; nil if none is invalid by itself.
    ///
    /// For sources that answer before the events are delivered. Nothing is said where the source's mapping or steps
    /// may still change events.
    public func firstRefusal(in batch: borrowing EventBatch, source: String) -> String? {
        guard sources[source]?.mapping.changesNothing ?? true, sourceSteps?[source] == nil else { return nil }
        for index in 0..<batch.count {
            let event = batch.events[index]
            if event.byteCount > options.maximumEventByteCount {
                return EventRefusal.tooLarge(maximumByteCount: options.maximumEventByteCount).description
            }
            if let refusal = event.refusal(in: batch.bytes) { return refusal.description }
        }
        return nil
    }

    /// Logs that events could not be delivered after their sender had been told that they were taken.
    public func noteFailureAfterAnswer(of ids: [String], source: String) {
        logger.warning(
            "Event not processed after ack",
            metadata: ["failed": "\(ids.joined(separator: " "))", "source": "\(source)"]
        )
    }
}
