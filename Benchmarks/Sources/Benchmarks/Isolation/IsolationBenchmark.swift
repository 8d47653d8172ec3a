import Collector
import CollectorTesting
import Dispatch
import EventJSON
import Logging
import RedisStreamsDestination

/// Measures what a dead destination costs the others: events per second that reach a healthy Redis.
struct IsolationBenchmark {
    private let roundCount = 7
    /// Fewer than a destination keeps, so that none is refused.
    private let eventCount = 80_000
    private let pushCount = 50
    private let windowCount = 40

    private enum Neighbour: CaseIterable {
        case none, healthy, killed, frozen

        var name: String {
            switch self {
            case .none: "alone"
            case .healthy: "beside a healthy Redis"
            case .killed: "beside a Redis that was killed"
            case .frozen: "beside a Redis that does not answer"
            }
        }
    }

    func run() async throws {
        var samples = Neighbour.allCases.map { _ in Samples() }
        var costs = samples
        for round in 0...roundCount {
            for (place, neighbour) in Neighbour.allCases.enumerated() {
                let figure = try await measure(beside: neighbour)
                // The first round warms up.
                if round == 0 { continue }
                samples[place].add(figure.eventsPerSecond)
                costs[place].add(figure.microseconds)
            }
        }
        print("## Isolation: events per second that reach a healthy Redis, \(eventCount) events a round\n")
        var table = Table("destination", "CPU µs per event", "events/s", "± %", "of alone", "of beside a healthy one")
        for (place, neighbour) in Neighbour.allCases.enumerated() {
            let sample = samples[place]
            table.add(
                neighbour.name,
                costs[place].median.text(decimals: 2),
                sample.median.text(),
                (sample.spreadPercent / 2).text(),
                (sample.median / samples[0].median).text(decimals: 2),
                (sample.median / samples[1].median).text(decimals: 2)
            )
        }
        table.show()
    }

    private func measure(
        beside neighbour: Neighbour
    ) async throws -> (eventsPerSecond: Double, microseconds: Double) {
        let server = try RedisServer(["--appendonly", "no"])
        defer { server.kill() }
        let other = try RedisServer(["--appendonly", "no"])
        defer { other.kill() }
        switch neighbour {
        case .none, .healthy: break
        case .killed: other.kill()
        case .frozen: other.freeze()
        }
        var registrations = [registration("healthy", server)]
        if neighbour != .none { registrations.append(registration("other", other)) }
        let collector = Collector(
            destinations: registrations,
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        await collector.start()
        // Whoever waits while a destination begins to fail waits for its time limit, once.
        _ = await collector.push(["name": "product view"])
        let begun = collector.status.destinations["healthy"]?.deliveredCount ?? 0
        let spent = try ProcessFigures().cpuSeconds
        let seconds = try push(to: collector)
        let cost = (try ProcessFigures().cpuSeconds - spent) / Double(eventCount) * 1e6
        let delivered = (collector.status.destinations["healthy"]?.deliveredCount ?? 0) - begun
        guard delivered == eventCount else { throw BenchmarkError("\(delivered) of \(eventCount) were delivered") }
        other.resume()
        await collector.shutdown()
        return (Double(eventCount) / seconds, cost)
    }

    private func registration(_ id: String, _ server: RedisServer) -> DestinationRegistration {
        var settings = RedisStreamsSettings(streamKey: "bench:isolation")
        settings.maximumLength = 1000
        settings.configuration.endpoint = .unix(path: server.socketPath)
        settings.configuration.commandTimeout = .milliseconds(200)
        var configuration = DestinationConfiguration()
        configuration.timeoutMilliseconds = 200
        return DestinationRegistration(
            id: id,
            destination: RedisStreamsDestination(settings: settings),
            configuration: configuration
        )
    }

    private func push(to collector: Collector) throws -> Double {
        let event = WorkInput.product.text
        let list =
            [UInt8(ascii: "[")] + Array(repeating: event, count: pushCount).joined(separator: [UInt8(ascii: ",")])
            + [UInt8(ascii: "]")]
        let room = DispatchSemaphore(value: windowCount)
        let start = ContinuousClock.now
        try list.withUnsafeBufferPointer { bytes in
            for _ in 0..<eventCount / pushCount {
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
        return (ContinuousClock.now - start).seconds
    }
}
