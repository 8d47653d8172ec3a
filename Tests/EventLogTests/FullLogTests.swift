import Collector
import CollectorTesting
import DurableLog
import EventJSON
import EventLog
import Synchronization
import Testing

/// A collector on a log with a limit, and destinations that are away.
@Suite("A full log", .timeLimit(.minutes(3)))
struct FullLogTests {
    private static let limit = 4 << 20
    private static let deadLetterLimit = limit / 10
    private static let fillingByteCount = 4500
    /// Of an event in the log, about.
    private static let recordByteCount = 4900

    /// A log in a folder, with files that are small beside its limit.
    private struct Place {
        let directory: TemporaryDirectory
        let store: DurableStreamStore
        let log: EventLog

        init(
            _ directory: TemporaryDirectory,
            deadLetterLimit: Int? = FullLogTests.deadLetterLimit,
            logs: RecordedLogs = RecordedLogs()
        ) async throws {
            self.directory = directory
            let limits = StoreLimits(maximumStoreByteCount: UInt64(FullLogTests.limit))
            // Opening flushes, and the other tests' disks are the same.
            store = try await BlockingWork.run { try DurableStreamStore(directory: directory.path, limits: limits) }
            var options = EventLog.Options()
            options.pieceByteCount = limits.segmentByteCount
            options.maximumDeadLetterByteCount = deadLetterLimit
            log = try await EventLog(store: store, options: options, logger: logs.logger())
        }

        /// The numbers of all that is in a stream.
        func numbers(_ stream: EventQueueStream) async throws -> [Int] {
            guard case .success(let status) = store.status(of: EventLog.name(of: stream)) else { return [] }
            var numbers: [Int] = []
            var offset = status.earliest
            while offset < status.tail {
                let page = try await store.read(status.name, from: offset)
                for message in page.messages {
                    let json = Array(page.bytes(of: message))
                    let event =
                        if case .deadLetters = stream { try DeadLetterRecord(json: json).event } else {
                            try Event(jsonText: json)
                        }
                    numbers.append(event[.data]["number"].number?.integer ?? -1)
                }
                offset = page.next
            }
            return numbers
        }
    }

    private final class Flag: Sendable {
        let value: Atomic<Bool>
        init(_ value: Bool) { self.value = Atomic(value) }
    }

    /// A destination that is there, or away.
    private struct Door {
        private let isOpen: Flag
        let destination: RecordingDestination

        init(isOpen: Bool) {
            let flag = Flag(isOpen)
            self.isOpen = flag
            destination = RecordingDestination { _ in
                flag.value.load(ordering: .relaxed) ? .delivered() : .retry(after: .milliseconds(2), reason: "away")
            }
        }

        func open() { isOpen.value.store(true, ordering: .relaxed) }

        var numbers: [Int] { destination.deliveries.map { $0.event[.data]["number"].number?.integer ?? -1 } }
    }

    private static func registration(_ id: String, _ door: Door, _ policy: String?) throws -> DestinationRegistration {
        var configuration: JSONObject = ["inFlightMax": 32]
        if let policy { configuration["whenFull"] = .string(policy) }
        var problems = ConfigurationProblems()
        let read = DestinationConfiguration(configuration, problems: &problems)
        try #require(problems.list.isEmpty)
        return DestinationRegistration(id: id, destination: door.destination, configuration: read)
    }

    private static func event(_ number: Int) -> JSONObject {
        [
            "name": "page view",
            "data": [
                "number": .number(JSONNumber(number)),
                "filling": .string(String(repeating: "x", count: fillingByteCount)),
            ],
        ]
    }

    /// Pushes events until one is refused; gives the numbers of those that were accepted.
    private static func push(_ collector: Collector, _ numbers: Range<Int>) async -> [Int] {
        var accepted: [Int] = []
        for number in numbers {
            let result = await collector.push(event(number))
            guard result.isOK else {
                #expect(result.isTemporary && !result.isInvalid)
                break
            }
            accepted.append(number)
        }
        return accepted
    }

    private static func deadLetterCounts(_ collector: Collector, _ id: String = "d") -> (kept: Int, dropped: Int) {
        let status = collector.status.destinations[id]
        return (status?.deadLetterCount ?? -1, status?.droppedDeadLetterCount ?? -1)
    }

    @Test("deadLetter: senders are never refused, and every event is delivered, a dead letter, or counted as dropped")
    func deadLetter() async throws {
        let logs = RecordedLogs()
        let place = try await Place(try TemporaryDirectory(), logs: logs)
        let door = Door(isOpen: false)
        let collector = Collector(
            destinations: [try Self.registration("d", door, "deadLetter")],
            queue: place.log,
            logger: logs.logger()
        )
        await collector.start()
        let count = 2000
        let accepted = await Self.push(collector, 0..<count)
        #expect(accepted.count == count)
        #expect(place.store.statistics().usedByteCount <= UInt64(Self.limit))
        let away = try #require(collector.status.destinations["d"])
        #expect(away.givenUpCount > count / 2 && away.givenUpCount == away.failedCount)
        // Only as many bytes as were needed: most of the room is full of events.
        #expect(count - away.givenUpCount > Self.limit / 2 / Self.recordByteCount, "\(away.givenUpCount)")
        door.open()
        await door.destination.delivered(count: count - away.givenUpCount)
        await collector.shutdown()
        let (kept, dropped) = Self.deadLetterCounts(collector)
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        #expect(letters.count == kept && dropped > 0)
        #expect(
            letters.count * Self.fillingByteCount <= Self.deadLetterLimit
                && letters.count * Self.recordByteCount > Self.deadLetterLimit / 2
        )
        // The oldest are dropped, those behind them dead letters, the rest delivered; in flight at most 32.
        let delivered = door.numbers
        #expect(letters == Array(dropped..<dropped + kept))
        #expect(Set(delivered).union(letters).union(0..<dropped) == Set(0..<count))
        #expect(Set(delivered).intersection(0..<dropped + kept).count <= 32)
        #expect(delivered.count + kept + dropped - count <= 32 && delivered == delivered.sorted())
        #expect(place.log.cursor("destination:d", in: .events) == place.log.bounds(of: .events).tail)
        let page = try await place.store.read(
            "collector/dead-letters/d",
            from: try place.store.status(of: "collector/dead-letters/d").get().earliest
        )
        for text in ["the log is full", "more dead letters than may be kept"] {
            #expect(logs.entries.count { $0.message.contains(text) } == 1, "said once: \(text)")
        }
        let letter = try DeadLetterRecord(json: Array(page.bytes(of: try #require(page.messages.first))))
        #expect(letter.reason == "the log was full before the destination took the event" && letter.attemptCount == 0)
        await place.store.close()
    }

    @Test("refuse: new events are refused until the destination has taken some; all that were accepted arrive, once")
    func refuse() async throws {
        let place = try await Place(try TemporaryDirectory())
        let door = Door(isOpen: false)
        let collector = Collector(destinations: [try Self.registration("d", door, nil)], queue: place.log)
        await collector.start()
        var accepted = await Self.push(collector, 0..<2000)
        #expect(accepted.count > Self.limit / 2 / Self.recordByteCount && accepted.count < 2000)
        #expect(place.store.statistics().usedByteCount <= UInt64(Self.limit))
        door.open()
        await door.destination.delivered(count: accepted.count)
        // As much again, and more: what was delivered makes room at once.
        let more = await Self.push(collector, 2000..<4000)
        accepted += more
        #expect(more.count == 2000)
        await door.destination.delivered(count: accepted.count)
        await collector.shutdown()
        #expect(door.numbers == accepted)
        #expect(collector.status.destinations["d"]?.deadLetterCount == 0)
        await place.store.close()
    }

    @Test("two policies: the one that may lose its place does, the one that keeps up has everything, none is refused")
    func isolation() async throws {
        let place = try await Place(try TemporaryDirectory())
        let (away, well) = (Door(isOpen: false), Door(isOpen: true))
        let collector = Collector(
            destinations: [
                try Self.registration("away", away, "deadLetter"), try Self.registration("well", well, "refuse"),
            ],
            queue: place.log
        )
        await collector.start()
        let count = 1700
        #expect(await Self.push(collector, 0..<count).count == count)
        await well.destination.delivered(count: count)
        await collector.shutdown()
        #expect(well.numbers == Array(0..<count))
        let status = collector.status
        #expect(status.destinations["well"]?.givenUpCount == 0 && status.destinations["well"]?.deadLetterCount == 0)
        #expect((status.destinations["away"]?.givenUpCount ?? 0) > count / 2)
        await place.store.close()
    }

    @Test("where one that refuses holds the log, nothing is taken from one that would give way")
    func held() async throws {
        let place = try await Place(try TemporaryDirectory())
        let (gives, refuses) = (Door(isOpen: false), Door(isOpen: false))
        let collector = Collector(
            destinations: [
                try Self.registration("gives", gives, "deadLetter"),
                try Self.registration("refuses", refuses, "refuse"),
            ],
            queue: place.log
        )
        await collector.start()
        let accepted = await Self.push(collector, 0..<2000)
        #expect(accepted.count > Self.limit / 2 / Self.recordByteCount && accepted.count < 2000)
        #expect(collector.status.destinations["gives"]?.givenUpCount == 0)
        refuses.open()
        gives.open()
        await refuses.destination.delivered(count: accepted.count)
        await gives.destination.delivered(count: accepted.count)
        await collector.shutdown()
        #expect(gives.numbers == accepted && refuses.numbers == accepted)
        await place.store.close()
    }

    @Test(
        "after a restart in the middle the count is the same: nothing is lost, nothing both delivered and a dead letter"
    )
    func restart() async throws {
        let directory = try TemporaryDirectory()
        var accepted: [Int] = []
        var dropped = 0
        for round in 0..<3 {
            let place = try await Place(directory)
            let door = Door(isOpen: false)
            let collector = Collector(
                destinations: [try Self.registration("d", door, "deadLetter")],
                queue: place.log
            )
            await collector.start()
            accepted += await Self.push(collector, round * 800..<(round + 1) * 800)
            await collector.shutdown()
            dropped += Self.deadLetterCounts(collector).dropped
            #expect(door.numbers.isEmpty)
            await place.store.close()
        }
        #expect(accepted.count == 2400)
        let place = try await Place(directory)
        let door = Door(isOpen: true)
        let collector = Collector(destinations: [try Self.registration("d", door, "deadLetter")], queue: place.log)
        await collector.start()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        #expect(letters == Array(dropped..<dropped + letters.count) && dropped > 0)
        await door.destination.delivered(count: 2400 - dropped - letters.count)
        await collector.shutdown()
        #expect(door.numbers == Array(dropped + letters.count..<2400))
        await place.store.close()
    }

    @Test("events that are rejected, held or left out beside it are settled once, by what became of them")
    func mixture() async throws {
        let place = try await Place(try TemporaryDirectory(), deadLetterLimit: nil)
        let isOpen = Flag(false)
        let destination = RecordingDestination { delivery in
            let number = delivery.event[.data]["number"].number?.integer ?? 0
            if number % 7 == 0 { return .rejected(reason: "no sevens") }
            return isOpen.value.load(ordering: .relaxed)
                ? .delivered() : .retry(after: .milliseconds(1), reason: "away")
        }
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(
            ["inFlightMax": 16, "whenFull": "deadLetter", "mapping": ["page": ["skip": ["ignore": true]]]],
            problems: &problems
        )
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: destination, configuration: configuration)],
            queue: place.log
        )
        await collector.start()
        // Without a limit, dead letters fill the log in the end, and events are refused after all.
        var count = 0
        while count < 2000 {
            var event = Self.event(count)
            if count % 5 == 0 { event["name"] = "page skip" }
            guard await collector.push(event).isOK else { break }
            count += 1
        }
        #expect(count > Self.limit / 2 / Self.recordByteCount && count < 2000)
        #expect((collector.status.destinations["d"]?.givenUpCount ?? 0) > 100)
        isOpen.value.store(true, ordering: .relaxed)
        while place.log.cursor("destination:d", in: .events) != place.log.bounds(of: .events).tail {
            await Task.yield()
        }
        await collector.shutdown()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        let delivered = destination.deliveries.map { $0.event[.data]["number"].number?.integer ?? -1 }
        #expect(Set(letters).count == letters.count, "no event is a dead letter twice")
        let expected = Set((0..<count).filter { $0 % 5 != 0 })
        #expect(Set(delivered).union(letters).isSuperset(of: expected))
        #expect(Set(delivered).isDisjoint(with: (0..<count).filter { $0 % 7 == 0 || $0 % 5 == 0 }))
        #expect(Set(delivered).intersection(letters).count <= 16)
        await place.store.close()
    }

    /// A destination that takes everything while it is open, and else does not answer.
    private final class SilentDestination: Destination {
        let type = "silent"
        private let isOpen = Flag(false)
        private let state = Mutex<(waiting: [CheckedContinuation<Void, Never>], numbers: [Int])>(([], []))
        let outcome: DeliveryOutcome

        init(_ outcome: DeliveryOutcome) { self.outcome = outcome }

        var numbers: [Int] { state.withLock { $0.numbers } }

        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
            let numbers = batch.deliveries.map { $0.event[.data]["number"].number?.integer ?? -1 }
            if isOpen.value.load(ordering: .acquiring) {
                state.withLock { $0.numbers += numbers }
                return numbers.map { _ in .delivered() }
            }
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if isOpen.value.load(ordering: .acquiring) { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
            if case .delivered = outcome { state.withLock { $0.numbers += numbers } }
            return numbers.map { _ in outcome }
        }

        func open() {
            let waiting = state.withLock { state in
                isOpen.value.store(true, ordering: .releasing)
                return exchange(&state.waiting, with: [])
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    @Test(
        "what is under way when it is given up is a dead letter once, whatever comes of it",
        arguments: [DeliveryOutcome.delivered(), .rejected(reason: "no"), .retry(reason: "later")]
    )
    func underWay(_ outcome: DeliveryOutcome) async throws {
        let place = try await Place(try TemporaryDirectory())
        let destination = SilentDestination(outcome)
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(
            ["inFlightMax": 32, "whenFull": "deadLetter", "timeout": 600_000],
            problems: &problems
        )
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: destination, configuration: configuration)],
            queue: place.log
        )
        await collector.start()
        let count = 1000
        #expect(await Self.push(collector, 0..<count).count == count)
        destination.open()
        while place.log.cursor("destination:d", in: .events) != place.log.bounds(of: .events).tail {
            await Task.yield()
        }
        await collector.shutdown()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        let dropped = Self.deadLetterCounts(collector).dropped
        #expect(letters == Array(dropped..<dropped + letters.count))
        let both = Set(destination.numbers).intersection(0..<dropped + letters.count)
        if case .delivered = outcome { #expect(both.count > 0 && both.count <= 32) } else { #expect(both.isEmpty) }
        #expect(Set(destination.numbers).isSuperset(of: dropped + letters.count..<count))
        #expect(destination.numbers.count == Set(destination.numbers).count)
        #expect(collector.status.destinations["d"]?.waitingCount == 0)
        await place.store.close()
    }

    @Test("a replay that a destination does not take gives way like the rest of its events")
    func replay() async throws {
        let place = try await Place(try TemporaryDirectory())
        let silent = SilentDestination(.retry(reason: "away"))
        silent.open()
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(
            ["whenFull": "deadLetter", "timeout": 600_000],
            problems: &problems
        )
        let first = Collector(
            destinations: [DestinationRegistration(id: "d", destination: silent, configuration: configuration)],
            queue: place.log
        )
        await first.start()
        #expect(await Self.push(first, 0..<300).count == 300)
        while silent.numbers.count < 300 { await Task.yield() }
        await first.shutdown()
        let door = Door(isOpen: false)
        let collector = Collector(destinations: [try Self.registration("d", door, "deadLetter")], queue: place.log)
        await collector.start()
        try collector.replay(0..<place.log.bounds(of: .events).tail, to: "d")
        #expect(await Self.push(collector, 300..<1500).count == 1200)
        #expect(place.log.cursor("replay:d", in: .events) == nil)
        door.open()
        while place.log.cursor("destination:d", in: .events) != place.log.bounds(of: .events).tail {
            await Task.yield()
        }
        // Another replay is told apart from the one that gave way.
        let before = door.numbers.count
        let start = place.log.bounds(of: .events).earliest
        let kept = try await place.numbers(.events)
        try collector.replay(start..<place.log.bounds(of: .events).tail, to: "d")
        await door.destination.delivered(count: before + kept.count)
        #expect(Array(door.numbers.suffix(kept.count)) == kept)
        await collector.shutdown()
        await place.store.close()
    }

    @Test("flows are exchanged while events are given up: each is delivered or a dead letter")
    func succession() async throws {
        let place = try await Place(try TemporaryDirectory())
        let door = Door(isOpen: false)
        let current = Mutex(
            Collector(destinations: [try Self.registration("d", door, "deadLetter")], queue: place.log)
        )
        await current.withLock { $0 }.start()
        let count = 1700
        let pushing = Task {
            for number in 0..<count {
                #expect(await current.withLock { $0 }.push(Self.event(number)).isOK)
            }
        }
        for _ in 0..<20 {
            let next = Collector(
                destinations: [try Self.registration("d", door, "deadLetter")],
                succeeding: current.withLock { $0 }
            )
            let handingOver = await next.succeed()
            current.withLock { $0 = next }
            await handingOver.value
            await door.destination.settled(count: 1)
        }
        await pushing.value
        door.open()
        while place.log.cursor("destination:d", in: .events) != place.log.bounds(of: .events).tail {
            await Task.yield()
        }
        let collector = current.withLock { $0 }
        await collector.shutdown()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        let (kept, dropped) = Self.deadLetterCounts(collector)
        #expect(letters == Array(dropped..<dropped + kept) && dropped > 0)
        #expect(Set(door.numbers).union(0..<dropped + kept) == Set(0..<count))
        #expect(Set(door.numbers).intersection(0..<dropped + kept).count <= 32)
        #expect(collector.status.destinations["d"]?.givenUpCount == dropped + kept)
        await place.store.close()
    }

    @Test("one whose dead letter is being written is not given up as well")
    func beingKept() async throws {
        let place = try await Place(try TemporaryDirectory())
        let queue = SlowQueue(place.log)
        let isOpen = Flag(false)
        let destination = RecordingDestination { delivery in
            if delivery.event[.data]["number"] == 1 { return .rejected(reason: "no") }
            return isOpen.value.load(ordering: .relaxed)
                ? .delivered() : .retry(after: .milliseconds(2), reason: "away")
        }
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(
            ["whenFull": "deadLetter", "inFlightMax": 32],
            problems: &problems
        )
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: destination, configuration: configuration)],
            queue: queue
        )
        await collector.start()
        queue.holdBack(.deadLetters(destination: "d"))
        // In one push, and so in one batch: behind one that is tried again, the other would not be tried.
        let first = await collector.push([Self.event(0), Self.event(1)])
        #expect(first.allSatisfy { $0.isOK })
        await queue.isHolding()
        let count = 800
        let pushing = Task { await Self.push(collector, 2..<count) }
        // The letter of the one that was rejected, and those that are given up before it.
        await queue.isHolding(count: 2)
        queue.letGo()
        #expect(await pushing.value.count == count - 2)
        isOpen.value.store(true, ordering: .relaxed)
        while place.log.cursor("destination:d", in: .events) != place.log.bounds(of: .events).tail {
            await Task.yield()
        }
        await collector.shutdown()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        let dropped = Self.deadLetterCounts(collector).dropped
        let status = try #require(collector.status.destinations["d"])
        #expect(letters.count == Set(letters).count)
        // The rejected one is counted as failed, and not as given up.
        #expect(status.givenUpCount + 1 == letters.count + dropped && status.failedCount == letters.count + dropped)
        await place.store.close()
    }

    @Test("what was gathered for a batch and is given up is not delivered, neither by this flow nor by the next one")
    func gathered() async throws {
        let place = try await Place(try TemporaryDirectory())
        let door = Door(isOpen: true)
        var problems = ConfigurationProblems()
        let gathering = DestinationConfiguration(
            ["whenFull": "deadLetter", "batch": ["wait": 600_000, "age": 600_000, "size": 2000]],
            problems: &problems
        )
        let first = Collector(
            destinations: [
                DestinationRegistration(id: "d", destination: door.destination, configuration: gathering)
            ],
            queue: place.log
        )
        await first.start()
        let count = 1000
        #expect(await Self.push(first, 0..<count).count == count)
        let givenUp = first.status.destinations["d"]?.givenUpCount ?? 0
        #expect(givenUp > 100 && givenUp < count && door.numbers.isEmpty)
        let next = Collector(
            destinations: [try Self.registration("d", door, "deadLetter")],
            succeeding: first
        )
        await next.succeed().value
        await door.destination.delivered(count: count - givenUp)
        await next.shutdown()
        #expect(door.numbers == Array(givenUp..<count))
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        #expect(letters == Array(givenUp - letters.count..<givenUp))
        await place.store.close()
    }

    @Test("a policy that there is not is a problem")
    func unknownPolicy() {
        var problems = ConfigurationProblems()
        _ = DestinationConfiguration(["whenFull": "drop"], problems: &problems)
        #expect(problems.list.map(\.message) == ["\"whenFull\" is \"refuse\" or \"deadLetter\""])
    }
}
