import Collector
import EventJSON
import Logging

/// The entry that is added to streams: an event of 600 bytes.
struct RedisEntry {
    static let byteCount = 600

    /// The event's delivery, as a collector hands it to a destination.
    let delivery: Delivery
    /// The event's text.
    var text: String { String(decoding: delivery.event.json, as: UTF8.self) }

    init() async throws {
        let short = try await Self.delivery(paddingCount: 0)
        let missing = Self.byteCount - short.event.json.count
        delivery = try await Self.delivery(paddingCount: missing)
        guard delivery.event.json.count == Self.byteCount else { throw BenchmarkError("the entry has a wrong size") }
    }

    /// That many of them, each with an id of its own.
    static func deliveries(_ count: Int) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        for number in 0..<count {
            let id = String(1_000_000_000_000_000 + number * 7919)
            deliveries.append(try await delivery(paddingCount: 200, id: id))
        }
        return deliveries
    }

    private static func delivery(paddingCount: Int, id: String = "0123456789abcdef") async throws -> Delivery {
        let destination = WorkDestination()
        let collector = Collector(
            destinations: [DestinationRegistration(id: "work", destination: destination)],
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        await collector.start()
        destination.keepNext()
        _ = await collector.push([
            "name": "product view", "id": .string(id), "timestamp": 1_700_000_000_000, "timing": 1,
            "data": ["id": "ers", "text": .string(String(repeating: "x", count: paddingCount))],
        ])
        await collector.shutdown()
        guard let delivery = destination.takeKept() else { throw BenchmarkError("no delivery") }
        return delivery
    }
}
