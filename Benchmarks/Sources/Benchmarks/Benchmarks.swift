import Glibc

/// Measures the collector and prints tables.
///
/// Without arguments everything; else the names of parts: `event`, `redis`, `topology`, `isolation`, `file`, `log`,
/// `drain`, `http`, `latency`, `hostile`, `allocations`, `memory [count]`. For profilers, `profile [count]` does the work on events and
/// `profile-collector [count]` the same through a collector, and nothing else.
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
        if let part = arguments.first, part.hasPrefix("profile") {
            let count = arguments.dropFirst().first.flatMap { Int($0) } ?? memoryEventCount
            let isThroughCollector = part == "profile-collector"
            return try await EventWorkBenchmark().profile(eventCount: count, throughCollector: isThroughCollector)
        }
        let known = [
            "event", "redis", "topology", "isolation", "file", "log", "drain", "http", "latency", "hostile",
            "allocations",
            "memory",
        ]
        let parts = arguments.isEmpty ? known : arguments.filter { Int($0) == nil }
        if let unknown = parts.first(where: { !known.contains($0) }) {
            throw BenchmarkError(
                "unknown part \"\(unknown)\"; known are \(known.joined(separator: ", ")), profile, profile-collector"
            )
        }
        let noise = MachineNoise()
        var failures: [String] = []
        // A part that fails must not keep the others from being measured.
        func measure(_ part: String, _ work: () async throws -> Void) async {
            guard parts.contains(part) else { return }
            do { try await work() } catch { failures.append("\(part): \(error)") }
        }
        await measure("event") { try await EventWorkBenchmark().run() }
        await measure("redis") { try await RedisPipelineBenchmark().run() }
        await measure("topology") { try await RedisTopologyBenchmark().run() }
        await measure("isolation") { try await IsolationBenchmark().run() }
        await measure("file") { try await FileAppendBenchmark().run() }
        await measure("log") { try await LogBenchmark().run() }
        await measure("drain") { try await DrainBenchmark().run() }
        await measure("http") { try EndToEndBenchmark().run() }
        await measure("latency") { try LatencyBenchmark().run() }
        await measure("hostile") { try HostileBenchmark().run() }
        await measure("allocations") { try AllocationBenchmark().run() }
        await measure("memory") {
            let count = arguments.compactMap { Int($0) }.first ?? memoryEventCount
            try await MemoryBenchmark(eventCount: count).run()
        }
        noise.report()
        guard failures.isEmpty else { throw BenchmarkError(failures.joined(separator: "\nerror: ")) }
    }
}
