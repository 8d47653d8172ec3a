import Collector
import CollectorTesting
import DurableLog
import EventJSON
import EventLog
import Synchronization
import Testing

@Suite("A collector on a log", .timeLimit(.minutes(2)))
struct EventLogTests {
    private static func event(_ number: Int, id: String? = nil) -> JSONObject {
        var event: JSONObject = ["name": "page view", "data": ["number": .number(JSONNumber(number))]]
        if let id { event["id"] = .string(id) }
        return event
    }

    private static func numbers(_ destination: RecordingDestination) -> [Int] {
        destination.deliveries.map { $0.event[.data]["number"].number?.integer ?? -1 }
    }

    private static func collector(
        _ log: EventLog,
        _ destination: any Destination,
        _ configuration: JSONObject = [:]
    ) async throws -> Collector {
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(configuration, problems: &problems)
        try #require(problems.list.isEmpty)
        let registration = DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        let collector = Collector(destinations: [registration], queue: log)
        await collector.start()
        return collector
    }

    @Test("a push resolves when its event is stored; destinations get all events, in order")
    func order() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let destination = RecordingDestination()
        let collector = try await Self.collector(log, destination)
        for number in 0..<1000 {
            let result = await collector.push(Self.event(number))
            #expect(result.isOK && !result.isDuplicate && result.outcomes.isEmpty)
        }
        await destination.settled(count: 1000)
        #expect(Self.numbers(destination) == Array(0..<1000))
        await collector.shutdown()
        #expect(log.cursor("destination:d", in: .events) == log.bounds(of: .events).tail)
    }

    @Test("what a destination did not take goes to it in the next process, and nothing twice after a clean end")
    func nextProcess() async throws {
        let store = MemoryStreamStore()
        let first = RecordingDestination { delivery in
            (delivery.event[.data]["number"].number?.integer ?? 0) < 300
                ? .delivered() : .retry(reason: "not now")
        }
        let collector = try await Self.collector(try await EventLog(store: store), first)
        for number in 0..<1000 { #expect(await collector.push(Self.event(number)).isOK) }
        await first.settled(count: 301)
        await collector.shutdown()
        #expect(Self.numbers(first) == Array(0..<300))

        let second = RecordingDestination()
        let next = try await Self.collector(try await EventLog(store: store), second)
        await second.settled(count: 700)
        #expect(Self.numbers(second) == Array(300..<1000))
        await next.shutdown()
    }

    @Test("a process that ends without warning repeats no more than was under way")
    func crash() async throws {
        let store = MemoryStreamStore()
        let first = RecordingDestination { delivery in
            (delivery.event[.data]["number"].number?.integer ?? 0) < 100
                ? .delivered() : .retry(after: .seconds(3600), reason: "not now")
        }
        let collector = try await Self.collector(try await EventLog(store: store), first, ["inFlightMax": 16])
        for number in 0..<500 { #expect(await collector.push(Self.event(number)).isOK) }
        await first.settled(count: 101)
        // Not shut down: it stays where it is, as if it had been killed.
        let second = RecordingDestination()
        let next = try await Self.collector(try await EventLog(store: store), second, ["inFlightMax": 16])
        for number in 500..<600 { #expect(await next.push(Self.event(number)).isOK) }
        while Self.numbers(second).last != 599 { await second.delivered(count: second.deliveries.count + 1) }
        let numbers = Self.numbers(second)
        let begin = try #require(numbers.first)
        #expect((84...100).contains(begin) && numbers == Array(begin..<600))
        #expect(Self.numbers(first) == Array(0..<100))
        await next.shutdown()
        await collector.shutdown()
    }

    @Test("an event that comes again is stored once, also after a restart, and told apart")
    func duplicates() async throws {
        let store = MemoryStreamStore()
        let destination = RecordingDestination()
        let collector = try await Self.collector(try await EventLog(store: store), destination)
        #expect(await !collector.push(Self.event(1, id: "a")).isDuplicate)
        #expect(await collector.push(Self.event(1, id: "a")).isDuplicate)
        let results = await collector.push([
            Self.event(2, id: "b"), Self.event(1, id: "a"), Self.event(3, id: "c"), Self.event(3, id: "c"),
        ])
        #expect(results.map(\.isDuplicate) == [false, true, false, true])
        #expect(results.allSatisfy { $0.isOK })
        await destination.settled(count: 3)
        await collector.shutdown()
        let next = try await Self.collector(try await EventLog(store: store), destination)
        #expect(await next.push(Self.event(2, id: "b")).isDuplicate)
        #expect(await !next.push(Self.event(4, id: "d")).isDuplicate)
        await destination.settled(count: 4)
        await next.shutdown()
        #expect(Self.numbers(destination) == [1, 2, 3, 4])
    }

    @Test("what a destination refuses is kept as a dead letter, with the reason, and holds nothing up")
    func deadLetters() async throws {
        let store = MemoryStreamStore()
        let log = try await EventLog(store: store)
        let destination = RecordingDestination { delivery in
            delivery.event[.data]["number"] == 5 ? .rejected(reason: "no fives") : .delivered()
        }
        let collector = try await Self.collector(log, destination)
        for number in 0..<10 { #expect(await collector.push(Self.event(number)).isOK) }
        await destination.settled(count: 10)
        await collector.shutdown()
        #expect(Self.numbers(destination) == [0, 1, 2, 3, 4, 6, 7, 8, 9])
        #expect(log.cursor("destination:d", in: .events) == log.bounds(of: .events).tail)
        let page = try await store.read("collector/dead-letters/d", from: .zero)
        let letter = try DeadLetterRecord(json: Array(page.bytes(of: try #require(page.messages.first))))
        #expect(page.messages.count == 1 && letter.reason == "no fives" && letter.destination == "d")
        #expect(letter.event[.data]["number"] == 5 && letter.attemptCount == 1 && letter.milliseconds > 0)
        #expect(collector.status.destinations["d"]?.deadLetterCount == 1)
    }

    @Test("events wait for consent beside the others, through a restart, and go on when it is given")
    func consent() async throws {
        let store = MemoryStreamStore()
        let destination = RecordingDestination()
        let rules: JSONObject = ["consent": ["marketing": true]]
        let collector = try await Self.collector(try await EventLog(store: store), destination, rules)
        for number in 0..<10 {
            var event = Self.event(number)
            if number % 2 == 1 { event["consent"] = ["marketing": true] }
            #expect(await collector.push(event).isOK)
        }
        await destination.settled(count: 5)
        await collector.shutdown()
        #expect(Self.numbers(destination) == [1, 3, 5, 7, 9])

        let log = try await EventLog(store: store)
        let next = try await Self.collector(log, destination, rules)
        #expect(next.status.destinations["d"]?.heldCount == 5)
        _ = await next.command(.consent(["marketing": true]))
        await destination.settled(count: 10)
        #expect(Self.numbers(destination).suffix(5) == [0, 2, 4, 6, 8])
        #expect(destination.deliveries.suffix(5).allSatisfy { $0.event[.consent] == ["marketing": true] })
        await next.shutdown()
        #expect(log.bounds(of: .held(destination: "d")).count == 0)
    }

    @Test("a destination that falls behind takes the rest from the log: little of it is in memory, nothing is refused")
    func behind() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let isOpen = Atomic(false)
        let destination = RecordingDestination { _ in
            isOpen.load(ordering: .relaxed) ? .delivered() : .retry(after: .milliseconds(1), reason: "not now")
        }
        let collector = try await Self.collector(log, destination, ["waitingMax": 1])
        let count = 30_000
        for start in stride(from: 0, to: count, by: 1000) {
            let results = await collector.push((start..<start + 1000).map { Self.event($0) })
            #expect(results.allSatisfy { $0.isOK })
        }
        let status = try #require(collector.status.destinations["d"])
        #expect(status.waitingCount <= 8192 && status.unreadByteCount > 1_000_000)
        isOpen.store(true, ordering: .relaxed)
        await destination.delivered(count: count)
        #expect(Self.numbers(destination) == Array(0..<count))
        await collector.shutdown()
        #expect(log.cursor("destination:d", in: .events) == log.bounds(of: .events).tail)
    }

    @Test("the status may be asked for all the while a backlog is read and delivered")
    func statusMeanwhile() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let count = 30_000
        let destination = RecordingDestination { _ in .delivered() }
        // Events that were accepted while nobody took any.
        let before = try await Self.collector(log, RecordingDestination { _ in .retry(reason: "not now") })
        let list = [JSONObject](repeating: Self.event(1), count: 500)
        for _ in 0..<count / list.count {
            #expect(await before.push(list).allSatisfy(\.isOK))
        }
        await before.shutdown()
        let collector = try await Self.collector(log, destination)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while !Task.isCancelled {
                        #expect(collector.status.destinations["d"]?.deadLetterCount == 0)
                        await Task.yield()
                    }
                }
            }
            await destination.settled(count: count)
            group.cancelAll()
        }
        await collector.shutdown()
    }

    @Test("each destination has a cursor of its own: one that is away holds no other up, and misses nothing")
    func isolation() async throws {
        let store = MemoryStreamStore()
        let (well, away) = (RecordingDestination(), RecordingDestination { _ in .retry(reason: "away") })
        let log = try await EventLog(store: store)
        let collector = Collector(
            destinations: [
                DestinationRegistration(id: "well", destination: well),
                DestinationRegistration(id: "away", destination: away),
            ],
            queue: log
        )
        await collector.start()
        for number in 0..<100 { #expect(await collector.push(Self.event(number)).isOK) }
        await well.settled(count: 100)
        await collector.shutdown()
        #expect(log.cursor("destination:well", in: .events) == log.bounds(of: .events).tail)
        #expect(log.cursor("destination:away", in: .events) == 0)
        let (again, back) = (RecordingDestination(), RecordingDestination())
        let next = Collector(
            destinations: [
                DestinationRegistration(id: "well", destination: again),
                DestinationRegistration(id: "away", destination: back),
            ],
            queue: try await EventLog(store: store)
        )
        await next.start()
        await back.settled(count: 100)
        await next.shutdown()
        #expect(Self.numbers(back) == Array(0..<100) && again.deliveries.isEmpty)
    }

    @Test("what was delivered is delivered once more when somebody asks for it, and holds the log no longer than that")
    func replay() async throws {
        let store = MemoryStreamStore()
        let log = try await EventLog(store: store)
        let destination = RecordingDestination()
        let collector = try await Self.collector(log, destination)
        for number in 0..<10 { #expect(await collector.push(Self.event(number)).isOK) }
        await destination.delivered(count: 10)
        let page = try await store.read("collector/events", from: .zero)
        let ends = page.messages.map(\.end.position)
        // The ends need not be those of events: only whole ones go.
        try collector.replay(ends[1] + 1..<ends[5] + 1, to: "d")
        await destination.delivered(count: 13)
        #expect(Self.numbers(destination).suffix(3) == [3, 4, 5])
        #expect(throws: ReplayError.unknownDestination("x")) { try collector.replay(0..<100, to: "x") }
        #expect(throws: ReplayError.nothing) { try collector.replay(ends[9]..<ends[9] + 9, to: "d") }
        #expect(await collector.push(Self.event(10)).isOK)
        await destination.delivered(count: 14)
        await collector.shutdown()
        #expect(log.cursor("replay:d", in: .events) == nil && log.cursor("replay-end:d", in: .events) == nil)
        #expect(throws: ReplayError.noQueue) { try Collector().replay(0..<1, to: "d") }
    }

    @Test("dead letters are tried once more: who goes is no letter any longer, who fails again is one again")
    func replayedLetters() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let accepts = Atomic(0)
        let destination = RecordingDestination { delivery in
            let number = delivery.event[.data]["number"].number?.integer ?? 0
            return number < accepts.load(ordering: .relaxed) ? .delivered() : .rejected(reason: "not yet")
        }
        let collector = try await Self.collector(log, destination)
        for number in 0..<4 { #expect(await collector.push(Self.event(number)).isOK) }
        await destination.settled(count: 4)
        await collector.shutdown()
        #expect(log.bounds(of: .deadLetters(destination: "d")).count == 4)
        accepts.store(3, ordering: .relaxed)
        let next = try await Self.collector(log, destination)
        try next.replayDeadLetters(to: "d")
        await destination.settled(count: 8)
        await next.shutdown()
        #expect(Self.numbers(destination) == [0, 1, 2])
        #expect(log.bounds(of: .deadLetters(destination: "d")).count == 1)
    }

    @Test("flows are exchanged while events come: each is delivered once, in order")
    func succession() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let destination = RecordingDestination()
        let first = try await Self.collector(log, destination)
        let current = Current(first)
        let count = 3000
        let pushing = Task {
            for number in 0..<count { #expect(await current.collector.push(Self.event(number)).isOK) }
        }
        for _ in 0..<10 {
            let registration = DestinationRegistration(id: "d", destination: destination)
            let next = Collector(destinations: [registration], succeeding: current.collector)
            let handingOver = await next.succeed()
            current.exchange(for: next)
            await destination.delivered(count: min(destination.deliveries.count + 1, count))
            await handingOver.value
        }
        await pushing.value
        await destination.delivered(count: count)
        #expect(Self.numbers(destination) == Array(0..<count))
        await current.collector.shutdown()
        #expect(log.cursor("destination:d", in: .events) == log.bounds(of: .events).tail)
    }

    @Test("a destination that is gone from the flow gets what was accepted for it, and is forgotten then")
    func orphan() async throws {
        let log = try await EventLog(store: MemoryStreamStore())
        let isOpen = Atomic(false)
        let gone = RecordingDestination { _ in
            isOpen.load(ordering: .relaxed) ? .delivered() : .retry(after: .milliseconds(1), reason: "not now")
        }
        let collector = try await Self.collector(log, gone, ["inFlightMax": 8])
        for number in 0..<100 { #expect(await collector.push(Self.event(number)).isOK) }
        let stays = RecordingDestination()
        let next = Collector(
            destinations: [DestinationRegistration(id: "other", destination: stays)],
            succeeding: collector
        )
        await next.succeed().value
        for number in 100..<110 { #expect(await next.push(Self.event(number)).isOK) }
        await stays.delivered(count: 10)
        #expect(log.destinations == ["d", "other"])
        isOpen.store(true, ordering: .relaxed)
        await gone.delivered(count: 100)
        #expect(Self.numbers(gone) == Array(0..<100) && Self.numbers(stays) == Array(100..<110))
        while log.destinations.contains("d") { await Task.yield() }
        await next.shutdown()
        let again = try await Self.collector(log, RecordingDestination())
        await again.shutdown()
        log.forget("d")
        #expect(log.destinations == ["other"])
    }

    @Test("consent that is given while an event is being written, or being kept for want of it, is not missed")
    func consentMeanwhile() async throws {
        for stream in [EventQueueStream.events, .held(destination: "d")] {
            let queue = SlowQueue(try await EventLog(store: MemoryStreamStore()))
            let destination = RecordingDestination()
            var problems = ConfigurationProblems()
            let configuration = DestinationConfiguration(["consent": ["marketing": true]], problems: &problems)
            let collector = Collector(
                destinations: [
                    DestinationRegistration(id: "d", destination: destination, configuration: configuration)
                ],
                queue: queue
            )
            await collector.start()
            queue.holdBack(stream)
            let pushing = Task { await collector.push(Self.event(1)) }
            await queue.isHolding()
            _ = await collector.command(.consent(["marketing": true]))
            queue.letGo()
            #expect(await pushing.value.isOK)
            await destination.delivered(count: 1)
            await collector.shutdown()
        }
    }

    /// The collector that takes events now.
    private final class Current: Sendable {
        private let state: Mutex<Collector>
        init(_ collector: Collector) { state = Mutex(collector) }
        var collector: Collector { state.withLock { $0 } }
        func exchange(for next: Collector) { state.withLock { $0 = next } }
    }

    @Test("a log that takes nothing more refuses for now, and nobody has the event")
    func refused() async throws {
        let store = MemoryStreamStore()
        let destination = RecordingDestination()
        let collector = try await Self.collector(try await EventLog(store: store), destination)
        await store.close()
        let result = await collector.push(Self.event(1))
        #expect(!result.isOK && result.isTemporary && !result.isInvalid && result.eventID == nil)
        #expect(destination.deliveries.isEmpty)
        await collector.shutdown()
    }
}
