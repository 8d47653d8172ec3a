import CollectorTesting
import EventJSON
import Logging
import Synchronization
import Testing

@testable import Collector

/// What may succeed later is kept and tried again; nobody waits longer than the time limit, and nothing is lost.
@Suite("Retry", .timeLimit(.minutes(1)))
struct RetryTests {
    private let time = ManualTime()
    private let logs = RecordedLogs()

    private func collector(_ destination: any Destination, _ config: JSONObject = [:]) async -> Collector {
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(config, problems: &problems)
        #expect(problems.list.isEmpty)
        let registration = DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        let collector = Collector(
            destinations: [registration],
            logger: logs.logger(level: .info),
            time: time.collectorTime
        )
        await collector.start()
        return collector
    }

    /// Moves the clock from one sleeper to the next while `work` runs, never so far that an attempt's time is up.
    private func running<Result: Sendable>(_ work: () async -> Result) async -> Result {
        let clock = Task { [time] in
            while !Task.isCancelled {
                if !time.advanceToNextSleeper(within: 5000) { await Task.yield() }
            }
        }
        defer { clock.cancel() }
        return await work()
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("tried again in order until the destination takes it")
    func inOrder() async {
        let names = Mutex<[String]>([])
        let destination = RecordingDestination { delivery in
            let count = names.withLock { names in
                names.append(delivery.event.name)
                return names.count { $0 == delivery.event.name }
            }
            return delivery.event.name == "a flaky" && count < 3 ? .retry(reason: "busy") : .delivered()
        }
        let collector = await collector(destination)
        let results = await running { await collector.push([["name": "a flaky"], ["name": "a next"]]) }
        #expect(results.map(\.isOK) == [true, true])
        #expect(names.withLock { $0.filter { $0 == "a flaky" }.count } == 3)
        #expect(collector.status.destinations["d"]?.deliveredCount == 2)
        #expect(collector.status.destinations["d"]?.retryCount == 2)
    }

    @Test("for as long as needed: senders hear after the time limit, later ones at once, and all is delivered")
    func asLongAsNeeded() async {
        let isDown = Mutex(true)
        let destination = RecordingDestination { _ in
            isDown.withLock { $0 } ? .retry(reason: "down") : .delivered()
        }
        let collector = await collector(destination)
        let first = await running { await collector.push(["name": "a one"]) }
        #expect(first.isOK && first.queued == ["d"])
        #expect(collector.status.destinations["d"]?.isFailing == true)
        #expect(collector.status.destinations["d"]?.lastFailure == "down")
        // No clock moves: who comes now does not wait.
        #expect(await collector.push(["name": "a two"]).queued == ["d"])
        // An hour later it is still there.
        for _ in 0..<1000 {
            if !time.advanceToNextSleeper(within: 5000) { await Task.yield() }
        }
        #expect(collector.deadLetters(of: "d")?.isEmpty == true)
        isDown.withLock { $0 = false }
        await running { await until { collector.status.destinations["d"]?.deliveredCount == 2 } }
        #expect(destination.deliveries.map(\.event.name) == ["a one", "a two"])
        #expect(collector.status.destinations["d"]?.isFailing == false)
        #expect(await collector.push(["name": "a three"]).done == ["d"])
        #expect(
            logs.messages(at: .warning) == ["the destination keeps failing; its events are kept and tried again"]
        )
        #expect(logs.messages(at: .notice) == ["the destination takes events again"])
    }

    @Test(
        "given up by policy: a dead letter with the reason and the attempts",
        arguments: [
            (["maxAttempts": 3], 3, "given up after 3 attempts: down"), (2, 2, "given up after 2 attempts: down"),
            (false, 1, "not tried again: down"),
        ] as [(JSONValue, Int, String)]
    )
    func givenUp(_ retry: JSONValue, _ attemptCount: Int, _ reason: String) async {
        let collector = await collector(RecordingDestination { _ in .retry(reason: "down") }, ["retry": retry])
        let result = await running { await collector.push(["name": "a b"]) }
        #expect(result.failed == ["d": reason])
        #expect(collector.deadLetters(of: "d")?.map(\.attemptCount) == [attemptCount])
        #expect(collector.deadLetters(of: "d")?.map(\.reason) == [reason])
    }

    @Test("given up by age")
    func givenUpByAge() async {
        let collector = await collector(
            RecordingDestination { _ in .retry(reason: "down") },
            ["retry": ["maxAge": 60_000]]
        )
        _ = await running { await collector.push(["name": "a b"]) }
        await running { await until { collector.status.destinations["d"]?.deadLetterCount == 1 } }
        let letter = collector.deadLetters(of: "d")?.first
        #expect(letter?.reason.hasPrefix("given up after 6") == true)
        #expect(letter?.reason.hasSuffix(" ms: down") == true)
        #expect((letter?.attemptCount ?? 0) > 3)
    }

    @Test("pauses double up to the longest, each a random part, and heed what the destination asks for")
    func pauses() {
        var options = RetryOptions()
        options.minimumDelayMilliseconds = 100
        options.maximumDelayMilliseconds = 1000
        for (count, ceiling) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (100, 1000)] {
            let pauses = (0..<200).map { _ in options.pauseMilliseconds(afterFailures: count) }
            #expect(pauses.allSatisfy { 1...ceiling ~= $0 })
            #expect((pauses.max() ?? 0) > ceiling / 2)
            #expect((pauses.min() ?? ceiling) < ceiling / 2)
        }
        var pending = PendingDeliveries()
        pending.append(Delivery(event: Event(partial: JSONObject())), .none)
        let settlement = DeliverySettlement(
            batch: OutgoingBatch(number: 0, pending: pending, isGathered: false),
            outcomes: [.retry(after: .seconds(90), reason: "later")],
            options: options,
            nowMilliseconds: 0,
            missingReason: ""
        )
        #expect(settlement.delay(afterFailures: 1) == 90_000)
    }

    @Test("an attempt that hangs is cancelled and made again; other destinations do not notice")
    func hangs() async {
        let attempts = Mutex(0)
        let hanging = ClosureDestination(deliver: { batch in
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            if attempt == 1 {
                try? await Task.sleep(for: .seconds(3600))
                return []
            }
            return batch.deliveries.map { _ in .delivered() }
        })
        let other = RecordingDestination()
        let collector = Collector(
            destinations: [
                DestinationRegistration(id: "h", destination: hanging),
                DestinationRegistration(id: "o", destination: other),
            ],
            time: time.collectorTime
        )
        await collector.start()
        async let result = collector.push(["name": "a b"])
        await other.settled(count: 1)
        await until { time.sleeperCount > 0 }
        time.advance(milliseconds: 10_000)
        #expect(await result.queued == ["h"])
        #expect(await result.done == ["o"])
        #expect(
            collector.status.destinations["h"]?.lastFailure == "Destination \"h\" delivery timed out after 10000ms"
        )
        await running { await until { collector.status.destinations["h"]?.deliveredCount == 1 } }
        #expect(attempts.withLock { $0 } == 2)
    }

    @Test("a destination that ignores cancellation is left behind, but not more often than four times")
    func ignoresCancellation() async {
        let calls = Mutex<[CheckedContinuation<Void, Never>]>([])
        let destination = ClosureDestination(deliver: { batch in
            await withCheckedContinuation { continuation in calls.withLock { $0.append(continuation) } }
            return batch.deliveries.map { _ in .delivered() }
        })
        let collector = await collector(destination)
        async let result = collector.push(["name": "a b"])
        for count in 1...4 {
            await running { await until { calls.withLock { $0.count } == count } }
            await until { time.sleeperCount > 0 }
            time.advance(milliseconds: 10_000)
            await until { time.sleeperCount > 0 }
            time.advance(milliseconds: BatchAttempt.graceMilliseconds)
        }
        #expect(await result.queued == ["d"])
        // The pause passes, and nothing is begun.
        await until { time.sleeperCount > 0 }
        time.advance(milliseconds: 5000)
        for _ in 0..<100 { await Task.yield() }
        #expect(calls.withLock { $0.count } == 4)
        // One that returns makes room for the next.
        calls.withLock { $0[0] }.resume()
        await until { calls.withLock { $0.count } == 5 }
        calls.withLock { $0[4] }.resume()
        await until { collector.status.destinations["d"]?.deliveredCount == 1 }
        for call in 1...3 { calls.withLock { $0[call] }.resume() }
    }

    @Test("an init that fails is made again without new events, and not for each of them")
    func preparation() async {
        let attempts = Mutex(0)
        let destination = ClosureDestination(initialize: {
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            if attempt < 5 { throw RetryTestError() }
        })
        let collector = await collector(destination)
        for number in 0..<50 { #expect(await collector.push(["name": .string("a b\(number)")]).queued == ["d"]) }
        #expect(attempts.withLock { $0 } == 2)
        #expect(collector.status.destinations["d"]?.heldCount == 50)
        let clock = Task { [time] in
            while !Task.isCancelled {
                if !time.advanceToNextSleeper(within: 30_000) { await Task.yield() }
            }
        }
        await until { collector.status.destinations["d"]?.deliveredCount == 50 }
        clock.cancel()
        #expect(attempts.withLock { $0 } == 5)
        #expect(destination.names == (0..<50).map { "a b\($0)" })
    }

    @Test("an init that hangs keeps nobody waiting, and is never called twice at once")
    func hangingPreparation() async {
        let call = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let destination = ClosureDestination(initialize: {
            await withCheckedContinuation { continuation in
                call.withLock { call in
                    #expect(call == nil)
                    call = continuation
                }
            }
        })
        let collector = await collector(destination)
        async let first = collector.push(["name": "a one"])
        await until { call.withLock { $0 != nil } && time.sleeperCount > 0 }
        time.advance(milliseconds: 10_000)
        #expect(await first.queued == ["d"])
        #expect(await collector.push(["name": "a two"]).queued == ["d"])
        call.withLock { $0 }?.resume()
        await until { collector.status.destinations["d"]?.deliveredCount == 2 }
        #expect(destination.names == ["a one", "a two"])
        #expect(collector.status.destinations["d"]?.isFailing == false)
    }

    @Test("a shutdown that cannot wait any longer tells whoever still waits")
    func shutdownTells() async {
        let calls = Mutex<[CheckedContinuation<Void, Never>]>([])
        let destination = ClosureDestination(deliver: { batch in
            await withCheckedContinuation { continuation in calls.withLock { $0.append(continuation) } }
            return batch.deliveries.map { _ in .delivered() }
        })
        let collector = await collector(destination)
        async let first = collector.push(["name": "a one"])
        await until { calls.withLock { $0.count } == 1 }
        async let second = collector.push(["name": "a two"])
        await until { collector.status.destinations["d"]?.waitingCount == 2 }
        let end = Task { await collector.shutdown() }
        // Beside the attempt's own limit there is now the shutdown's.
        await until { time.sleeperCount == 2 }
        time.advance(milliseconds: 5000)
        #expect(await second.failed == ["d": PushResult.shutDownReason])
        calls.withLock { $0[0] }.resume()
        #expect(await first.done == ["d"])
        await end.value
    }

    static let unusable: [JSONValue] = [
        0, "x", 1.5, ["maxAttempts": 0], ["maxAge": "1h"], ["minDelay": 9, "maxDelay": 8], ["attempts": 3],
    ]

    @Test("options that cannot be honoured are refused", arguments: unusable)
    func refused(_ retry: JSONValue) {
        var problems = ConfigurationProblems()
        _ = DestinationConfiguration(["retry": retry], problems: &problems)
        #expect(problems.list.count == 1)
    }
}

private struct RetryTestError: Error {}

/// A destination made of closures; remembers what it was given.
private final class ClosureDestination: Destination {
    let type = "closure"
    private let prepare: @Sendable () async throws -> Void
    private let work: @Sendable (DeliveryBatch) async -> [DeliveryOutcome]
    private let taken = Mutex<[String]>([])

    var names: [String] { taken.withLock { $0 } }

    init(
        initialize: @escaping @Sendable () async throws -> Void = {},
        deliver: @escaping @Sendable (DeliveryBatch) async -> [DeliveryOutcome] = { batch in
            batch.deliveries.map { _ in .delivered() }
        }
    ) {
        prepare = initialize
        work = deliver
    }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try await prepare()
        return .ready
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        taken.withLock { $0 += batch.deliveries.map(\.event.name) }
        return await work(batch)
    }
}

/// Events are refused at the door before more are kept than may be.
@Suite("Full destinations", .timeLimit(.minutes(1)))
struct FullDestinationTests {
    @Test("a full destination refuses for all, for now; then there is room again")
    func refuses() async {
        let isDown = Mutex(true)
        let full = RecordingDestination { _ in isDown.withLock { $0 } ? .retry(reason: "down") : .delivered() }
        let other = RecordingDestination()
        let time = ManualTime()
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(["waitingMax": 3, "timeout": 1], problems: &problems)
        #expect(problems.list.isEmpty)
        let collector = Collector(
            destinations: [
                DestinationRegistration(id: "full", destination: full, configuration: configuration),
                DestinationRegistration(id: "other", destination: other),
            ],
            time: time.collectorTime
        )
        await collector.start()
        let clock = Task {
            while !Task.isCancelled {
                if !time.advanceToNextSleeper(within: 60_000) { await Task.yield() }
            }
        }
        for name in ["a one", "a two", "a three"] {
            #expect(await collector.push(["name": .string(name)]).queued == ["full"])
        }
        let refused = await collector.push(["name": "a four"])
        #expect(refused.isTemporary && !refused.isInvalid && refused.event == nil)
        #expect(refused.error == "too many events wait for destination \"full\"")
        #expect(other.deliveries.map(\.event.name) == ["a one", "a two", "a three"])
        // Who does not want that destination is not concerned.
        #expect(await collector.push(["name": "a five"], options: PushOptions(exclude: ["full"])).done == ["other"])
        isDown.withLock { $0 = false }
        await full.settled(count: 3)
        while collector.status.destinations["full"]?.deliveredCount != 3 { await Task.yield() }
        #expect(await collector.push(["name": "a four"]).done.sorted() == ["full", "other"])
        #expect(full.deliveries.map(\.event.name) == ["a one", "a two", "a three", "a four"])
        clock.cancel()
    }
}
