import Collector
import CollectorTesting
import Dispatch
import DurableLog
import EventLog
import Glibc
import Logging
import RedisStreamsDestination

/// Measures how fast a backlog leaves the log once Redis is there, beside redis-benchmark on the same server.
struct DrainBenchmark {
    private let eventCount: Int
    private let pushCount = 100
    private let windowCount = 16
    private let logger = Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })

    init(eventCount: Int = 1_000_000) { self.eventCount = eventCount }

    func run() async throws {
        // Not in /tmp, which may be memory.
        let directory = (getenv("BENCHMARK_DIRECTORY").map { String(cString: $0) } ?? "/var/tmp") + "/drain-\(getpid())"
        let server = try RedisServer(["--appendonly", "no"])
        server.kill()
        let store = try DurableStreamStore(directory: directory)
        do {
            try await measure(store, server)
        } catch {
            for note in store.damage { print("\(note)") }
            server.kill()
            await store.close()
            _ = try? ChildProcess.output(of: ["rm", "-rf", directory])
            throw error
        }
        server.kill()
        await store.close()
        _ = try ChildProcess.output(of: ["rm", "-rf", directory])
    }

    private func measure(_ store: DurableStreamStore, _ server: RedisServer) async throws {
        var settings = RedisStreamsSettings(streamKey: "bench:drain")
        settings.maximumLength = 1000
        settings.configuration.endpoint = .unix(path: server.socketPath)
        let redis = DestinationRegistration(id: "redis", destination: RedisStreamsDestination(settings: settings))
        let collector = Collector(
            destinations: [redis],
            queue: try await EventLog(store: store),
            logger: logger
        )
        await collector.start()
        let accepting = try push(to: collector)
        try server.start()
        let spent = try ProcessFigures().cpuSeconds
        let (first, waited) = try await delivered(by: collector, atLeast: 1)
        let (last, draining) = try await delivered(by: collector, atLeast: eventCount)
        let cost = (try ProcessFigures().cpuSeconds - spent) / Double(eventCount) * 1e6
        let status = collector.status.destinations["redis"]
        guard last == eventCount, status?.deadLetterCount == 0 else {
            throw BenchmarkError("\(last) of \(eventCount) were delivered")
        }
        let rate = Double(last - first) / draining
        let entry = try await RedisEntry()
        let tool = RedisBenchmarkTool(socketPath: server.socketPath, text: entry.text)
        let ceiling = try tool.commandsPerSecond(count: 400_000, clients: 1, pipeline: 256)
        await collector.shutdown()
        print("## drain: \(eventCount) events that waited in the log for Redis\n")
        var table = Table("what", "events/s", "of redis-benchmark -c 1 -P 256", "CPU µs per event")
        table.add("accepted meanwhile, in lists of \(pushCount)", (Double(eventCount) / accepting).text(), "", "")
        table.add("delivered afterwards", rate.text(), (rate / ceiling).text(decimals: 2), cost.text(decimals: 2))
        table.add("redis-benchmark -c 1 -P 256, 600 bytes", ceiling.text(), "1.00", "")
        table.show()
        print("The first event was there \((waited * 1_000).text()) ms after Redis answered.\n")
    }

    /// Waits until so many were delivered; how many then, and after how many seconds.
    private func delivered(by collector: Collector, atLeast count: Int) async throws -> (count: Int, seconds: Double) {
        let start = ContinuousClock.now
        while true {
            let status = collector.status.destinations["redis"]
            let delivered = status?.deliveredCount ?? 0
            let seconds = (ContinuousClock.now - start).seconds
            if delivered >= count { return (delivered, seconds) }
            guard seconds < 60 else {
                throw BenchmarkError(
                    "\(delivered) of \(count) after a minute, \(status?.unreadByteCount ?? 0) bytes unread, \(status?.waitingCount ?? 0) events waiting, \(status?.deadLetterCount ?? 0) dead letters"
                )
            }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private func push(to collector: Collector) throws -> Double {
        let event = WorkInput.product.text
        let id = Array("0123456789abcdef".utf8)
        guard let idStart = event.firstRange(of: id)?.lowerBound else { throw BenchmarkError("the event has no id") }
        var list =
            [UInt8(ascii: "[")] + Array(repeating: event, count: pushCount).joined(separator: [UInt8(ascii: ",")])
            + [UInt8(ascii: "]")]
        let room = DispatchSemaphore(value: windowCount)
        let start = ContinuousClock.now
        for push in 0..<eventCount / pushCount {
            room.wait()
            for place in 0..<pushCount {
                var number = push * pushCount + place
                let at = 1 + place * (event.count + 1) + idStart
                for digit in (at..<at + id.count).reversed() {
                    list[digit] = UInt8(ascii: "0") + UInt8(number % 10)
                    number /= 10
                }
            }
            try list.withUnsafeBufferPointer { bytes in
                collector.push(try EventBatch(json: bytes), options: PushOptions()) { results in
                    precondition(results.allSatisfy { $0.isOK && !$0.isDuplicate }, "an event was refused")
                    room.signal()
                }
            }
        }
        for _ in 0..<windowCount { room.wait() }
        for _ in 0..<windowCount { room.signal() }
        return (ContinuousClock.now - start).seconds
    }
}
