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

    /// A log in a folder, with files that are small beside its limit.
    private struct Place {
        let directory: TemporaryDirectory
        let store: DurableStreamStore
        let log: EventLog

        init(_ directory: TemporaryDirectory, deadLetterLimit: Int? = FullLogTests.deadLetterLimit) async throws {
            self.directory = directory
            let limits = StoreLimits(maximumStoreByteCount: UInt64(FullLogTests.limit))
            store = try DurableStreamStore(directory: directory.path, limits: limits)
            var options = EventLog.Options()
            options.pieceByteCount = limits.segmentByteCount
            options.maximumDeadLetterByteCount = deadLetterLimit
            log = try await EventLog(store: store, options: options)
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
            "data": ["number": .number(JSONNumber(number)), "filling": .string(String(repeating: "x", count: 1500))],
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
        let place = try await Place(try TemporaryDirectory())
        let door = Door(isOpen: false)
        let collector = Collector(
            destinations: [try Self.registration("d", door, "deadLetter")],
            queue: place.log
        )
        await collector.start()
        let count = 6000
        let accepted = await Self.push(collector, 0..<count)
        #expect(accepted.count == count)
        #expect(place.store.statistics().usedByteCount <= UInt64(Self.limit))
        let away = try #require(collector.status.destinations["d"])
        #expect(away.givenUpCount > count / 2 && away.givenUpCount == away.failedCount)
        // Only as many bytes as were needed: most of the room is full of events.
        #expect(count - away.givenUpCount > Self.limit / 2 / 1800, "\(away.givenUpCount)")
        door.open()
        await door.destination.delivered(count: count - away.givenUpCount)
        await collector.shutdown()
        let (kept, dropped) = Self.deadLetterCounts(collector)
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        #expect(letters.count == kept && dropped > 0)
        #expect(letters.count * 1500 <= Self.deadLetterLimit && letters.count * 1800 > Self.deadLetterLimit / 2)
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
        var accepted = await Self.push(collector, 0..<6000)
        #expect(accepted.count > Self.limit / 2 / 1800 && accepted.count < 6000)
        #expect(place.store.statistics().usedByteCount <= UInt64(Self.limit))
        door.open()
        await door.destination.delivered(count: accepted.count)
        // As much again, and more: what was delivered makes room at once.
        let more = await Self.push(collector, 6000..<12_000)
        accepted += more
        #expect(more.count == 6000)
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
        let count = 5000
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
        let accepted = await Self.push(collector, 0..<6000)
        #expect(accepted.count > Self.limit / 2 / 1800 && accepted.count < 6000)
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
            accepted += await Self.push(collector, round * 2500..<(round + 1) * 2500)
            await collector.shutdown()
            dropped += Self.deadLetterCounts(collector).dropped
            #expect(door.numbers.isEmpty)
            await place.store.close()
        }
        #expect(accepted.count == 7500)
        let place = try await Place(directory)
        let door = Door(isOpen: true)
        let collector = Collector(destinations: [try Self.registration("d", door, "deadLetter")], queue: place.log)
        await collector.start()
        let letters = try await place.numbers(.deadLetters(destination: "d"))
        #expect(letters == Array(dropped..<dropped + letters.count) && dropped > 0)
        await door.destination.delivered(count: 7500 - dropped - letters.count)
        await collector.shutdown()
        #expect(door.numbers == Array(dropped + letters.count..<7500))
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
        while count < 6000 {
            var event = Self.event(count)
            if count % 5 == 0 { event["name"] = "page skip" }
            guard await collector.push(event).isOK else { break }
            count += 1
        }
        #expect(count > Self.limit / 2 / 1800 && count < 6000)
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
}
