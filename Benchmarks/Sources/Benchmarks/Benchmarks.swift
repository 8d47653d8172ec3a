import Glibc

/// Measures the collector and prints tables.
///
/// Without arguments everything; else the names of parts: `event`, `redis`, `topology`, `isolation`, `file`, `http`,
/// `memory [count]`, `profile [count]`.
@main
struct Benchmarks {
    /// Events of the memory table unless told otherwise: enough for a leak to show, few enough for a short run.
    private static let memoryEventCount = 1_000_000

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            try await run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("error: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) async throws {
        if arguments.first == "profile" {
            let count = arguments.dropFirst().first.flatMap { Int($0) } ?? memoryEventCount
            return try await EventWorkBenchmark().profile(eventCount: count)
        }
        let known = ["event", "redis", "topology", "isolation", "file", "http", "memory"]
        let parts = arguments.isEmpty ? known : arguments.filter { Int($0) == nil }
        if let unknown = parts.first(where: { !known.contains($0) }) {
            throw BenchmarkError("unknown part \"\(unknown)\"; known are \(known.joined(separator: ", ")), profile")
        }
        let noise = MachineNoise()
        if parts.contains("event") { try await EventWorkBenchmark().run() }
        if parts.contains("redis") { try await RedisPipelineBenchmark().run() }
        if parts.contains("topology") { try await RedisTopologyBenchmark().run() }
        if parts.contains("isolation") { try await IsolationBenchmark().run() }
        if parts.contains("file") { try await FileAppendBenchmark().run() }
        if parts.contains("http") { try EndToEndBenchmark().run() }
        if parts.contains("memory") {
            let count = arguments.compactMap { Int($0) }.first ?? memoryEventCount
            try await MemoryBenchmark(eventCount: count).run()
        }
        noise.report()
    }
}
