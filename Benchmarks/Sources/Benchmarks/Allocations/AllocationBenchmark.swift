import CollectorTesting

/// Counts allocations per event, and fails when there are more than `Benchmarks/allocations.json` says.
///
/// Counted, not timed: the figures are the same on every machine, however busy.
struct AllocationBenchmark {
    func run() throws {
        let folder = try TemporaryDirectory()
        let counter = try AllocationCounter(folder: folder.path)
        let limits = try AllocationLimits()
        let figures = [
            ("event work", try perEvent(of: "profile", counter)),
            ("event through a collector", try perEvent(of: "profile-collector", counter)),
            ("HTTP, single", try perEvent(eventsPerRequest: 1, counter, folder)),
            ("HTTP, 100 per request", try perEvent(eventsPerRequest: 100, counter, folder)),
        ]
        print("## Allocations per event; at most \(AllocationLimits.tolerancePercent.text()) % above those noted\n")
        var table = Table("work", "allocations", "noted")
        for (name, figure) in figures {
            table.add(name, figure.text(decimals: 2), try limits.figure(name).text(decimals: 2))
        }
        table.show()
        let exceeded = try figures.filter { try limits.isExceeded($0.0, by: $0.1) }.map(\.0)
        guard exceeded.isEmpty else {
            throw BenchmarkError("more allocations than Benchmarks/allocations.json allows: \(exceeded)")
        }
    }

    /// This program's own work: what twice as many events cost more.
    private func perEvent(of part: String, _ counter: AllocationCounter) throws -> Double {
        let eventCount = 20_000
        var counts: [Int] = []
        for number in [eventCount, 2 * eventCount] {
            let before = try counter.count()
            _ = try ChildProcess.output(
                of: [Program.ownFolder() + "/Benchmarks", part, String(number)],
                environment: counter.environment
            )
            counts.append(try counter.count() - before)
        }
        return Double(counts[1] - counts[0]) / Double(eventCount)
    }

    /// The daemon's, from one connection, one request after the other.
    private func perEvent(
        eventsPerRequest: Int,
        _ counter: AllocationCounter,
        _ folder: TemporaryDirectory
    ) throws -> Double {
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        let arguments =
            try HTTPSubject.daemonArguments(redisSocket: server.socketPath, folder: folder.path) + ["--memory"]
        let process = try ChildProcess(arguments, environment: counter.environment)
        let port = try HTTPSubject.port(atEndOf: try process.line(with: "HTTP server listens"))
        let way = IngestWay.all.first { $0.eventsPerRequest == eventsPerRequest && $0.path == "/collect" }
        let client = try PatientClient(port: port, request: HTTPRequestText.post("/collect", way?.body ?? []))
        let requestCount = 10_000 / eventsPerRequest
        try client.ask(count: requestCount)
        let before = try counter.count()
        try client.ask(count: requestCount)
        return Double(try counter.count() - before) / Double(requestCount * eventsPerRequest)
    }
}
