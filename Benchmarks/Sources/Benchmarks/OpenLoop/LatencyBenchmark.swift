import CollectorTesting

/// Measures how long single events take at a fixed rate, far below what the programs can do.
struct LatencyBenchmark {
    private let roundCount = 3
    private let secondsPerRun = 10
    private let rates = [2_000, 10_000]
    private let percentiles: [Double] = [50, 99, 99.9, 100]

    private struct Figures {
        var rate = Samples()
        var milliseconds: [Samples]
        var cpuSecondsPerMillion = Samples()
    }

    func run() throws {
        let programs = try IngestPrograms(includingNginx: true)
        defer { programs.server.kill() }
        let subjects = programs.subjects
        let empty = Figures(milliseconds: percentiles.map { _ in Samples() })
        var figures = rates.map { _ in subjects.map { _ in empty } }
        try CorePlan.asClient {
            for subject in subjects { _ = try load(subject, rate: rates[0], seconds: 1).run() }
            for _ in 0..<roundCount {
                for (place, rate) in rates.enumerated() {
                    for (row, subject) in subjects.enumerated() {
                        try measure(subject, rate: rate, into: &figures[place][row])
                    }
                }
            }
        }
        print("## Latency: single events after XADD at a fixed rate, 64 connections, milliseconds\n")
        print(
            "\(CorePlan.description) A request's time counts from when it was due. Medians of \(roundCount) rounds of "
                + "\(secondsPerRun) s; the lowest p99 is what is left when others leave the machine alone. nginx shows what "
                + "the machine and the client add.\n"
        )
        for (place, rate) in rates.enumerated() { show(rate, subjects, figures[place]) }
        programs.reportMissing()
    }

    private func show(_ rate: Int, _ subjects: [HTTPSubject], _ figures: [Figures]) {
        var table = Table(
            "\(rate) events/s",
            "answered/s",
            "p50",
            "p99",
            "p99.9",
            "longest",
            "lowest p99",
            "CPU s per million events"
        )
        for (subject, result) in zip(subjects, figures) {
            table.addRow(
                [subject.name, result.rate.median.text()]
                    + result.milliseconds.map { $0.median.text(decimals: 2) }
                    + [
                        (result.milliseconds[1].values.min() ?? 0).text(decimals: 2),
                        result.cpuSecondsPerMillion.median.text(decimals: 1),
                    ]
            )
        }
        table.show()
    }

    private func measure(_ subject: HTTPSubject, rate: Int, into figures: inout Figures) throws {
        let spent = try ProcessFigures(of: subject.process.identifier).cpuSeconds
        let result = try load(subject, rate: rate, seconds: secondsPerRun).run()
        let cost = try ProcessFigures(of: subject.process.identifier).cpuSeconds - spent
        figures.cpuSecondsPerMillion.add(cost / Double(rate * secondsPerRun) * 1e6)
        figures.rate.add(result.requestsPerSecond)
        for (place, percentile) in percentiles.enumerated() {
            figures.milliseconds[place].add(result.milliseconds(percentile: percentile))
        }
    }

    private func load(_ subject: HTTPSubject, rate: Int, seconds: Int) -> OpenLoopLoad {
        OpenLoopLoad(
            port: subject.port,
            path: "/collect",
            body: WorkInput.product.text,
            requestsPerSecond: rate,
            seconds: seconds
        )
    }
}
