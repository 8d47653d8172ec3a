import Collector
import CollectorTesting
import Logging
import RedisStreamsDestination

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
        let throughput = DeliveryThroughput(destination: destination, eventCount: commandCount)
        let tool = RedisBenchmarkTool(socketPath: server.socketPath, text: entry.text)
        let batch = DeliveryBatch(Array(repeating: entry.delivery, count: batchCount))
        var wide = Samples(), single = Samples(), deep = Samples(), many = Samples(), cost = Samples()
        _ = try throughput.measure(batch, window: windowCount)
        for _ in 0..<roundCount {
            deep.add(try tool.commandsPerSecond(count: commandCount, clients: 1, pipeline: 256))
            let spent = try ProcessFigures().cpuSeconds
            wide.add(try throughput.measure(batch, window: windowCount))
            cost.add((try ProcessFigures().cpuSeconds - spent) / Double(commandCount) * 1e6)
            single.add(try throughput.measure(batch, window: 1))
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
}
