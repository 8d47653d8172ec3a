import Collector
import CollectorTesting
import Dispatch
import Logging
import RedisStreamsDestination
import Synchronization

/// Measures how many XADD commands per second the destination gets through, beside redis-benchmark.
struct RedisPipelineBenchmark {
    private let roundCount = 5
    private let commandCount = 400_000
    /// Events of a batch, as the collector delivers them.
    private let batchCount = 256
    /// Batches that the collector has under way at most.
    private let windowCount = 64

    func run() async throws {
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        let entry = try await RedisEntry()
        let destination = RedisStreamsDestination(settings: settings(server))
        let logger = Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })
        let context = DestinationContext(id: "redis", logger: logger)
        _ = try await destination.initialize(context)
        let tool = RedisBenchmarkTool(socketPath: server.socketPath, text: entry.text)
        let batch = DeliveryBatch(Array(repeating: entry.delivery, count: batchCount))
        var wide = Samples(), single = Samples(), deep = Samples(), many = Samples(), cost = Samples()
        _ = try deliver(batch, window: windowCount, to: destination)
        for _ in 0..<roundCount {
            deep.add(try tool.commandsPerSecond(count: commandCount, clients: 1, pipeline: 256))
            let spent = try ProcessFigures().cpuSeconds
            wide.add(try deliver(batch, window: windowCount, to: destination))
            cost.add((try ProcessFigures().cpuSeconds - spent) / Double(commandCount) * 1e6)
            single.add(try deliver(batch, window: 1, to: destination))
            many.add(try tool.commandsPerSecond(count: commandCount, clients: 50, pipeline: 64))
        }
        try await destination.destroy(context)
        print("## XADD of 600 bytes, MAXLEN ~ 1000; one redis-server, unix socket, nothing on disk\n")
        var table = Table("client", "commands/s", "± %", "of redis-benchmark -c 1 -P 256", "CPU µs")
        func add(_ name: String, _ samples: Samples, cost: String = "") {
            let ratio = (samples.median / deep.median).text(decimals: 2)
            table.add(name, samples.median.text(), (samples.spreadPercent / 2).text(), ratio, cost)
        }
        add("RedisStreamsDestination, 64 batches of 256 under way", wide, cost: cost.median.text(decimals: 2))
        add("RedisStreamsDestination, 1 batch of 256 under way", single)
        add("redis-benchmark -c 1 -P 256", deep)
        add("redis-benchmark -c 50 -P 64", many)
        table.show()
    }

    private func settings(_ server: RedisServer) -> RedisStreamsSettings {
        var settings = RedisStreamsSettings(streamKey: "bench:collectord")
        settings.maximumLength = 1000
        settings.configuration.endpoint = .unix(path: server.socketPath)
        return settings
    }

    /// Delivers the batch over and over; commands per second.
    private func deliver(
        _ batch: DeliveryBatch,
        window: Int,
        to destination: RedisStreamsDestination
    ) throws -> Double {
        let room = DispatchSemaphore(value: window)
        let failedCount = Atomic(0)
        let roundCount = commandCount / batch.deliveries.count
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
        guard failedCount.load(ordering: .relaxed) == 0 else { throw BenchmarkError("Redis refused commands") }
        return Double(roundCount * batch.deliveries.count) / seconds
    }
}
