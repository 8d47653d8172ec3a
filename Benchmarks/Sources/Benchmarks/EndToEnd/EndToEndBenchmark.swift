import CollectorTesting

/// Measures events per second through HTTP to Redis, with the daemon that users run.
struct EndToEndBenchmark {
    private let roundCount = 3
    private let secondsPerRun = 3

    private struct Way {
        let name: String
        let path: String
        let load: HTTPLoad
        let eventsPerRequest: Int
    }

    private struct Figures {
        var eventsPerSecond = Samples()
        var cpuSecondsPerMillion = Samples()
        var arrivedPercent = Samples()
        var residentMegabytes = 0.0
    }

    func run() throws {
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        let folder = try TemporaryDirectory()
        var subjects = [try HTTPSubject.daemon(redisSocket: server.socketPath, folder: folder.path)]
        if let node = try HTTPSubject.node(redisSocket: server.socketPath) { subjects.append(node) }
        var figures: [[Figures]] = subjects.map { _ in ways.map { _ in Figures() } }
        let probe = try server.probe()
        for _ in 0..<roundCount {
            for (row, subject) in subjects.enumerated() {
                for (column, way) in ways.enumerated() {
                    try measure(subject, way, probe, bodyFile: folder.path + "/body", into: &figures[row][column])
                }
            }
        }
        print("## HTTP to Redis: wrk, 64 connections; all on this machine\n")
        var table = Table("program", "way", "events/s", "± %", "in Redis %", "CPU s per million events", "RSS MB")
        for (row, subject) in subjects.enumerated() {
            for (column, way) in ways.enumerated() {
                let result = figures[row][column]
                table.add(
                    subject.name,
                    way.name,
                    result.eventsPerSecond.median.text(),
                    (result.eventsPerSecond.spreadPercent / 2).text(),
                    result.arrivedPercent.median.text(decimals: 1),
                    result.cpuSecondsPerMillion.median.text(decimals: 1),
                    result.residentMegabytes.text()
                )
            }
        }
        table.show()
        if subjects.count == 1 { print("node is not installed: no peer.\n") }
    }

    private var ways: [Way] {
        let event = WorkInput.product.text
        let list = [UInt8(ascii: "[")] + Array(repeating: event, count: 100).joined(separator: [UInt8(ascii: ",")])
        let single = HTTPLoad(body: event, seconds: secondsPerRun)
        let batch = HTTPLoad(body: list + [UInt8(ascii: "]")], seconds: secondsPerRun)
        return [
            Way(name: "single, after XADD", path: "/collect", load: single, eventsPerRequest: 1),
            Way(name: "100 per request, after XADD", path: "/collect", load: batch, eventsPerRequest: 100),
            Way(name: "single, on accept", path: "/early", load: single, eventsPerRequest: 1),
            Way(name: "100 per request, on accept", path: "/early", load: batch, eventsPerRequest: 100),
        ]
    }

    private func measure(
        _ subject: HTTPSubject,
        _ way: Way,
        _ probe: RESPProbe,
        bodyFile: String,
        into figures: inout Figures
    ) throws {
        let before = try ProcessFigures(of: subject.process.identifier)
        let addedBefore = try entriesAdded(to: subject.stream, probe)
        let result = try way.load.run(url: "http://127.0.0.1:\(subject.port)\(way.path)", bodyFile: bodyFile)
        let residentBytes = try ProcessFigures(of: subject.process.identifier).residentBytes
        // Events go in order: when this one is in Redis, those that were only accepted are as well.
        try HTTPPost.sendUntilTaken(WorkInput.product.text, port: subject.port, path: "/collect")
        let after = try ProcessFigures(of: subject.process.identifier)
        let added = try entriesAdded(to: subject.stream, probe) - addedBefore - 1
        let events = Double(result.requestCount * way.eventsPerRequest)
        figures.eventsPerSecond.add(result.requestsPerSecond * Double(way.eventsPerRequest))
        figures.cpuSecondsPerMillion.add((after.cpuSeconds - before.cpuSeconds) / events * 1e6)
        // A little more than what was answered: wrk does not wait for its last requests.
        figures.arrivedPercent.add(min(100, Double(added) / events * 100))
        figures.residentMegabytes = max(figures.residentMegabytes, Double(residentBytes) / 1e6)
    }

    /// How many entries a stream was ever given.
    private func entriesAdded(to stream: String, _ probe: RESPProbe) throws -> Int {
        let reply = try probe.command("XINFO", "STREAM", stream).elements
        guard let place = reply.firstIndex(where: { $0.text == "entries-added" }), place + 1 < reply.count,
            case .integer(let count) = reply[place + 1]
        else { return 0 }
        return count
    }
}
