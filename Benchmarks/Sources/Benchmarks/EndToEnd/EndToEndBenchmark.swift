import CollectorTesting

/// Measures events per second through HTTP to Redis, with the daemon that users run, beside its peers.
struct EndToEndBenchmark {
    private let roundCount = 3
    private let secondsPerRun = 3

    private struct Figures {
        var eventsPerSecond = Samples()
        var cpuSecondsPerMillion = Samples()
        var medianMilliseconds = Samples()
        var percentile99Milliseconds = Samples()
        var arrivedPercent = Samples()
        var residentMegabytes = 0.0
    }

    func run() throws {
        let programs = try IngestPrograms(includingNginx: true)
        defer { programs.server.kill() }
        let probe = try programs.server.probe()
        var figures = programs.subjects.map { _ in IngestWay.all.map { _ in Figures() } }
        for _ in 0..<roundCount {
            for (column, way) in IngestWay.all.enumerated() {
                for (row, subject) in programs.subjects.enumerated() where isMeasured(subject, way) {
                    let bodyFile = programs.folder.path + "/body"
                    try measure(subject, way, probe, bodyFile: bodyFile, into: &figures[row][column])
                }
            }
        }
        print("## HTTP to Redis: wrk, 64 connections, \(roundCount) rounds of \(secondsPerRun) s\n")
        print("\(CorePlan.description) Times are of a request.\n")
        for (column, way) in IngestWay.all.enumerated() {
            show(way, programs.subjects, figures.map { $0[column] })
        }
        programs.reportMissing()
        let losses = losses(programs.subjects, figures)
        guard losses.isEmpty else { throw BenchmarkError("acknowledged events were lost: \(losses)") }
    }

    /// Where events were acknowledged that Redis never got.
    private func losses(_ subjects: [HTTPSubject], _ figures: [[Figures]]) -> String {
        var lost: [String] = []
        for (subject, ways) in zip(subjects, figures) {
            for (way, result) in zip(IngestWay.all, ways) where (result.arrivedPercent.values.min() ?? 100) < 100 {
                lost.append("\(subject.name), \(way.name)")
            }
        }
        return lost.joined(separator: "; ")
    }

    /// nginx keeps nothing, so there is only one way to answer; so it is with a log.
    private func isMeasured(_ subject: HTTPSubject, _ way: IngestWay) -> Bool {
        if subject.answersOnAcceptOnly { return way.path == "/early" }
        return subject.stream != nil || way.path == "/collect"
    }

    private func show(_ way: IngestWay, _ subjects: [HTTPSubject], _ figures: [Figures]) {
        var table = Table(
            way.name,
            "events/s",
            "± %",
            "p50 ms",
            "p99 ms",
            "CPU s per million events",
            "of collectord's",
            "in Redis %",
            "RSS MB"
        )
        for (subject, result) in zip(subjects, figures) where isMeasured(subject, way) {
            let cost = result.cpuSecondsPerMillion.median
            table.add(
                subject.name,
                result.eventsPerSecond.median.text(),
                (result.eventsPerSecond.spreadPercent / 2).text(),
                result.medianMilliseconds.median.text(decimals: 2),
                result.percentile99Milliseconds.median.text(decimals: 2),
                cost.text(decimals: 1),
                (cost / figures[0].cpuSecondsPerMillion.median).text(decimals: 2),
                subject.stream == nil ? "–" : (result.arrivedPercent.values.min() ?? 0).text(decimals: 1),
                result.residentMegabytes.text()
            )
        }
        table.show()
    }

    private func measure(
        _ subject: HTTPSubject,
        _ way: IngestWay,
        _ probe: RESPProbe,
        bodyFile: String,
        into figures: inout Figures
    ) throws {
        let arrivals = try subject.stream.map { try StreamArrivals(stream: $0, probe: probe) }
        let before = try ProcessFigures(of: subject.process.identifier)
        let load = HTTPLoad(body: way.body, seconds: secondsPerRun)
        let result = try load.run(url: "http://127.0.0.1:\(subject.port)\(way.path)", bodyFile: bodyFile)
        let residentBytes = try ProcessFigures(of: subject.process.identifier).residentBytes
        let eventCount = result.requestCount * way.eventsPerRequest
        // What was only accepted still costs something until it is delivered.
        if let arrivals { figures.arrivedPercent.add(try arrivals.percent(ofAcknowledged: eventCount)) }
        let after = try ProcessFigures(of: subject.process.identifier)
        figures.eventsPerSecond.add(result.requestsPerSecond * Double(way.eventsPerRequest))
        figures.cpuSecondsPerMillion.add((after.cpuSeconds - before.cpuSeconds) / Double(eventCount) * 1e6)
        figures.medianMilliseconds.add(result.medianMilliseconds)
        figures.percentile99Milliseconds.add(result.percentile99Milliseconds)
        figures.residentMegabytes = max(figures.residentMegabytes, Double(residentBytes) / 1e6)
    }
}
