import CollectorTesting
import DurableLog
import EventJSON
import EventLog
import Synchronization
import Testing

@testable import Collector

/// Steps of a destination whose events are given up because the log is full.
@Suite("A full log and steps", .timeLimit(.minutes(2)))
struct FullLogStepTests {
    @Test("events that wait behind one with the same cache key are given up with it, and hold no later ones up")
    func claims() async throws {
        let directory = try TemporaryDirectory()
        let limits = StoreLimits(maximumStoreByteCount: 4 << 20)
        let store = try await BlockingWork.run {
            try DurableStreamStore(directory: directory.path, limits: limits)
        }
        var options = EventLog.Options()
        options.pieceByteCount = limits.segmentByteCount
        options.maximumDeadLetterByteCount = 400_000
        let log = try await EventLog(store: store, options: options)
        let isOpen = Mutex(false)
        let destination = RecordingDestination { _ in
            isOpen.withLock { $0 } ? .delivered() : .retry(after: .milliseconds(2), reason: "away")
        }
        var problems = ConfigurationProblems()
        var configuration = DestinationConfiguration(
            ["whenFull": "deadLetter", "inFlightMax": 32],
            problems: &problems
        )
        let cache: JSONObject = ["cache": ["rules": [["key": ["event.data.kind"], "ttl": 3600]]]]
        configuration.steps = StepOptions(cache, owner: .destination, problems: &problems)
        try #require(problems.isEmpty)
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: destination, configuration: configuration)],
            queue: log
        )
        await collector.start()
        let filling = String(repeating: "x", count: 4500)
        let count = 1200
        for number in 0..<count {
            let result = await collector.push(
                ["name": "page view", "data": ["kind": .string("\(number % 3)"), "filling": .string(filling)]]
            )
            #expect(result.isOK)
        }
        isOpen.withLock { $0 = true }
        while log.cursor("destination:d", in: .events) != log.bounds(of: .events).tail { await Task.yield() }
        await collector.shutdown()
        let status = try #require(collector.status.destinations["d"])
        // One of each kind was delivered, the others behind it are known.
        #expect(destination.deliveries.count == 3 && status.knownCount > 100)
        #expect(status.givenUpCount == status.deadLetterCount + status.droppedDeadLetterCount)
        #expect(status.givenUpCount + status.knownCount + 3 - count <= 32)
        #expect(status.givenUpCount + status.knownCount + 3 >= count)
        #expect(status.waitingCount == 0)
        await store.close()
    }
}
