import Collector
import CollectorTesting
import Dispatch
import EventJSON
import Logging
import RedisStreamsDestination
import Synchronization

/// Watches the process's memory while many events go through a collector.
struct MemoryBenchmark {
    private let eventCount: Int
    /// Events of one push.
    private let pushCount = 50
    /// Pushes under way.
    private let windowCount = 100

    init(eventCount: Int) {
        self.eventCount = eventCount
    }

    func run() async throws {
        print("## Memory: \(eventCount) events through a collector with mapping; RSS in MB\n")
        var table = Table(
            "destination",
            "10 %",
            "20 %",
            "30 %",
            "40 %",
            "50 %",
            "60 %",
            "70 %",
            "80 %",
            "90 %",
            "100 %"
        )
        let discarded = try await residentMegabytes(with: DiscardingDestination())
        table.addRow(["discards"] + discarded)
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        var settings = RedisStreamsSettings(streamKey: "bench:memory")
        settings.maximumLength = 1000
        settings.configuration.endpoint = .unix(path: server.socketPath)
        table.addRow(
            ["Redis, MAXLEN ~ 1000"] + (try await residentMegabytes(with: RedisStreamsDestination(settings: settings)))
        )
        table.show()
    }

    private func residentMegabytes(with destination: any Destination) async throws -> [String] {
        var configuration = DestinationConfiguration()
        configuration.mapping = try Mapping(WorkMapping.configuration)
        let collector = Collector(
            destinations: [
                DestinationRegistration(id: "memory", destination: destination, configuration: configuration)
            ],
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        await collector.start()
        var figures: [String] = []
        for _ in 0..<10 {
            try push(eventCount / 10, to: collector)
            figures.append((Double(try ProcessFigures().residentBytes) / 1e6).text(decimals: 1))
        }
        await collector.shutdown()
        let delivered = collector.status.deliveredCount
        guard delivered >= eventCount / 10 * 10 else {
            throw BenchmarkError("only \(delivered) events were delivered")
        }
        return figures
    }

    private func push(_ count: Int, to collector: Collector) throws {
        let event = WorkInput.product.text
        let list =
            [UInt8(ascii: "[")] + Array(repeating: event, count: pushCount).joined(separator: [UInt8(ascii: ",")])
            + [UInt8(ascii: "]")]
        let room = DispatchSemaphore(value: windowCount)
        try list.withUnsafeBufferPointer { bytes in
            for _ in 0..<(count + pushCount - 1) / pushCount {
                room.wait()
                let batch = try EventBatch(json: bytes)
                collector.push(batch, options: PushOptions()) { results in
                    precondition(results.allSatisfy(\.isOK), "an event was refused")
                    room.signal()
                }
            }
        }
        for _ in 0..<windowCount { room.wait() }
        for _ in 0..<windowCount { room.signal() }
    }
}

/// A destination that has everything at once and keeps nothing.
struct DiscardingDestination: PipelinedDestination {
    var type: String { "discard" }

    func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        completion(Array(repeating: .delivered(), count: batch.deliveries.count))
    }
}
