public import Collector
import EventJSON
import Synchronization

/// Keeps the last events in memory, for tests and for a look at what passes.
///
/// Settings: `maxCount`, the events kept; beyond it the oldest goes. Default 1 000.
public final class MemoryDestination: PreviewableDestination {
    /// "memory".
    public var type: String { "memory" }
    private let maximumCount: Int
    private let kept = Mutex<[Delivery]>([])

    /// A destination that keeps that many events.
    public init(maximumCount: Int = 1000) {
        self.maximumCount = maximumCount
    }

    /// The events kept, oldest first.
    public var deliveries: [Delivery] { kept.withLock { $0 } }

    /// Keeps the batch.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        kept.withLock { kept in
            kept += batch.deliveries
            kept.removeFirst(max(0, kept.count - maximumCount))
        }
        return batch.deliveries.map { _ in .delivered() }
    }

    /// What would be kept.
    public func preview(_ delivery: Delivery) -> [String] {
        ["keep", String(decoding: delivery.event.json, as: UTF8.self)]
    }
}

extension DestinationType {
    /// Keeps events in memory.
    public static let memory = DestinationType(
        name: "memory",
        packages: [],
        summary: "Keeps the last events in memory, for tests.",
        settings: [
            SettingDescription(
                "maxCount",
                .integer(1...1_000_000),
                default: "1000",
                "Events kept; beyond it the oldest goes."
            )
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(settings, path: path, known: ["maxCount"], of: "a memory destination", &problems)
        let count = reader.whole("maxCount", 1...1_000_000) ?? 1000
        problems = reader.problems
        return MemoryDestination(maximumCount: count)
    }
}
