import CollectorTesting
import Glibc

/// Measures what clients that only hold connections take from honest ones.
struct HostileBenchmark {
    private let roundCount = 3
    private let secondsPerRun = 10
    private let rate = 500
    private let slowCount = 500
    /// With the honest ones, as many as the daemon takes.
    private let idleCount = 9_900

    private struct Figures {
        var median = Samples()
        var percentile99 = Samples()
        var longest = Samples()
        var cpuPercent = Samples()
        var residentMegabytes = Samples()
        var note = ""
    }

    func run() throws {
        try IdleConnections.raiseDescriptorLimit(connectionCount: idleCount)
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        try CorePlan.moveToClients(server)
        let folder = try TemporaryDirectory()
        let daemon = try HTTPSubject.daemon(redisSocket: server.socketPath, folder: folder.path)
        var alone = Figures(), slow = Figures(), idle = Figures()
        try CorePlan.asClient {
            for _ in 0..<roundCount {
                try measure(daemon, into: &alone)
                let connections = SlowConnections(port: daemon.port, count: slowCount)
                try connections.waitUntilFilled()
                try waitUntilCalm(daemon)
                try measure(daemon, into: &slow)
                let closed = connections.end()
                slow.note = "closed by the server: \(closed.slow) slow, \(closed.neverReading) that never read"
                try measureBesideIdle(daemon, into: &idle)
                // Closing thousands of connections is work as well.
                try waitUntilCalm(daemon)
            }
        }
        show([("alone", alone), ("\(slowCount) slow connections", slow), ("\(idleCount) idle connections", idle)])
    }

    private func measureBesideIdle(_ daemon: HTTPSubject, into figures: inout Figures) throws {
        let connections = try IdleConnections(port: daemon.port, count: idleCount)
        try measure(daemon, into: &figures)
        figures.note = "\(connections.openCount) open at the end"
    }

    private func show(_ rows: [(name: String, figures: Figures)]) {
        print("## Hostile: \(rate) honest events/s on 64 connections, after XADD; milliseconds\n")
        print("\(CorePlan.description) \(roundCount) rounds of \(secondsPerRun) s.\n")
        var table = Table("beside", "p50", "p99", "± %", "longest", "p99, of alone", "CPU %", "RSS MB", "connections")
        for (name, figures) in rows {
            table.add(
                name,
                figures.median.median.text(decimals: 2),
                figures.percentile99.median.text(decimals: 2),
                (figures.percentile99.spreadPercent / 2).text(),
                figures.longest.median.text(decimals: 2),
                (figures.percentile99.median / rows[0].figures.percentile99.median).text(decimals: 2),
                figures.cpuPercent.median.text(),
                (figures.residentMegabytes.values.min() ?? 0).text(),
                figures.note
            )
        }
        table.show()
    }

    /// Waits until the daemon has done what other clients left it to do, such as answers that fill the kernel's buffers.
    private func waitUntilCalm(_ daemon: HTTPSubject) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var spent = try ProcessFigures(of: daemon.process.identifier).cpuSeconds
        while true {
            sleep(1)
            let now = try ProcessFigures(of: daemon.process.identifier).cpuSeconds
            if now - spent < 0.2 { return }
            spent = now
            guard ContinuousClock.now < deadline else { throw BenchmarkError("the daemon does not come to rest") }
        }
    }

    private func measure(_ daemon: HTTPSubject, into figures: inout Figures) throws {
        let before = try ProcessFigures(of: daemon.process.identifier)
        let result = try OpenLoopLoad(
            port: daemon.port,
            path: "/collect",
            body: WorkInput.product.text,
            requestsPerSecond: rate,
            seconds: secondsPerRun
        ).run()
        let after = try ProcessFigures(of: daemon.process.identifier)
        figures.median.add(result.milliseconds(percentile: 50))
        figures.percentile99.add(result.milliseconds(percentile: 99))
        figures.longest.add(result.milliseconds(percentile: 100))
        figures.cpuPercent.add((after.cpuSeconds - before.cpuSeconds) / Double(secondsPerRun) * 100)
        figures.residentMegabytes.add(Double(after.residentBytes) / 1e6)
    }
}
