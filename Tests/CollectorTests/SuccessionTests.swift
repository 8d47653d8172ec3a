import Collector
import CollectorTesting
import EventJSON
import Synchronization
import Testing

/// A collector that takes another's place loses nothing, delivers nothing twice, and sends everything where it belongs.
@Suite("Succession", .timeLimit(.minutes(1)))
struct SuccessionTests {
    /// What happened at destinations, in order.
    private final class Ledger: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func note(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// Notes what it is given under a label of its own.
    private final class Noting: Destination {
        let type = "noting"
        private let label: String
        private let ledger: Ledger
        private let outcome: @Sendable (Delivery) async -> DeliveryOutcome

        init(
            _ label: String,
            _ ledger: Ledger,
            outcome: @escaping @Sendable (Delivery) async -> DeliveryOutcome = { _ in .delivered() }
        ) {
            self.label = label
            self.ledger = ledger
            self.outcome = outcome
        }

        func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
            ledger.note("\(label) init")
            return .ready
        }

        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
            var outcomes: [DeliveryOutcome] = []
            for delivery in batch.deliveries {
                let outcome = await outcome(delivery)
                if case .delivered = outcome { ledger.note("\(label) \(delivery.event.name)") }
                outcomes.append(outcome)
            }
            return outcomes
        }

        func destroy(_ context: DestinationContext) async throws {
            ledger.note("\(label) destroy")
        }
    }

    /// The collector that takes events now.
    private final class Current: Sendable {
        private let state: Mutex<Collector>
        init(_ collector: Collector) { state = Mutex(collector) }
        var collector: Collector {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private func event(_ name: String, _ more: JSONObject = [:]) -> JSONObject {
        (["name": .string(name)] as JSONObject).assigning(more)
    }

    private func collector(
        _ destinations: [(String, any Destination)],
        _ configuration: DestinationConfiguration = DestinationConfiguration(),
        options: CollectorOptions = CollectorOptions(),
        time: CollectorTime = .system,
        after predecessor: Collector? = nil
    ) -> Collector {
        Collector(
            options: options,
            destinations: destinations.map { id, destination in
                DestinationRegistration(id: id, destination: destination, configuration: configuration)
            },
            logger: RecordedLogs().logger(),
            time: time,
            succeeding: predecessor
        )
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("under load, again and again: each event is delivered once, and every push ends well")
    func load() async {
        let ledger = Ledger()
        let current = Current(collector([("d", Noting("0", ledger))]))
        await current.collector.start()
        await withTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        let collector = current.collector
                        // The collector may be succeeded between these lines.
                        await Task.yield()
                        let result = await collector.push(self.event("sender\(sender) event\(number)"))
                        #expect(result.isOK && result.outcomes.count == 1)
                    }
                }
            }
            group.addTask {
                for generation in 1...10 {
                    let old = current.collector
                    let next = self.collector([("d", Noting("\(generation)", ledger))], after: old)
                    let handingOver = await next.succeed()
                    current.collector = next
                    await handingOver.value
                }
            }
        }
        let last = current.collector
        await last.shutdown()
        let names = ledger.all.compactMap { line in
            line.contains("sender") ? line.split(separator: " ").dropFirst().joined(separator: " ") : nil
        }
        #expect(names.count == 1600)
        #expect(Set(names).count == 1600)
        for sender in 0..<8 {
            #expect(names.filter { $0.hasPrefix("sender\(sender) ") } == (0..<200).map { "sender\(sender) event\($0)" })
        }
        #expect(last.status.acceptedCount == 1600)
        #expect(last.status.deliveredCount == 1600)
        #expect(last.status.destinations["d"]?.deliveredCount == 1600)
        // Two never have the destination at the same time.
        let ends = ledger.all.filter { !$0.contains("sender") }
        let begun = ends.filter { $0.hasSuffix("init") }.map { $0.prefix { $0 != " " } }
        var expected: [String] = []
        for label in begun { expected += ["\(label) init", "\(label) destroy"] }
        #expect(ends.filter { end in begun.contains { end.hasPrefix($0 + " ") } } == expected)
    }

    @Test("what a dead destination could not take goes to the one that replaces it, first and in order")
    func keptEvents() async {
        let ledger = Ledger()
        let time = ManualTime()
        var configuration = DestinationConfiguration()
        configuration.timeoutMilliseconds = 1000
        let dead = Noting("dead", ledger) { _ in .retry(reason: "down") }
        let old = collector([("d", dead)], configuration, time: time.collectorTime)
        await old.start()
        async let first = old.push(event("kept first"))
        await until { old.status.destinations["d"]?.retryCount ?? 0 > 0 }
        while old.status.destinations["d"]?.isFailing != true {
            _ = time.advanceToNextSleeper(within: 10_000)
            await Task.yield()
        }
        #expect(await first.queued == ["d"])
        #expect(await old.push(event("kept second")).queued == ["d"])
        let new = collector([("d", Noting("well", ledger))], configuration, time: time.collectorTime, after: old)
        let handingOver = await new.succeed()
        await handingOver.value
        #expect(await new.push(event("new third")).done == ["d"])
        #expect(await old.push(event("late fourth")).done == ["d"])
        #expect(
            ledger.all == [
                "dead init", "dead destroy", "well init", "well kept first", "well kept second", "well new third",
                "well late fourth",
            ]
        )
        await new.shutdown()
    }

    @Test("an event whose delivery is under way is not brought again; those behind it wait for the end of that")
    func underWay() async {
        let ledger = Ledger()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let old = collector([
            (
                "d",
                Noting("old", ledger) { _ in
                    for await _ in gate {}
                    return .delivered()
                }
            )
        ])
        await old.start()
        async let first = old.push(event("event first"))
        await until { ledger.all == ["old init"] && old.status.destinations["d"]?.waitingCount == 1 }
        async let second = old.push(event("event second"))
        await until { old.status.destinations["d"]?.waitingCount == 2 }
        let new = collector([("d", Noting("new", ledger))], after: old)
        let handingOver = await new.succeed()
        async let third = new.push(event("event third"))
        await until { new.status.destinations["d"]?.waitingCount == 1 }
        #expect(ledger.all == ["old init"])
        open.finish()
        await handingOver.value
        for result in await [first, second, third] { #expect(result.done == ["d"]) }
        #expect(
            ledger.all == [
                "old init", "old event first", "old destroy", "new init", "new event second", "new event third",
            ]
        )
        await new.shutdown()
    }

    @Test("a destination that is gone delivers what it has, and ends then")
    func gone() async {
        let ledger = Ledger()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let old = collector([
            (
                "gone",
                Noting("gone", ledger) { _ in
                    for await _ in gate {}
                    return .delivered()
                }
            ), ("d", Noting("old", ledger)),
        ])
        await old.start()
        async let first = old.push(event("event first"))
        async let second = old.push(event("event second"))
        await until { old.status.destinations["gone"]?.waitingCount == 2 }
        let new = collector([("d", Noting("new", ledger))], after: old)
        await new.succeed().value
        #expect(await new.push(event("event third")).done == ["d"])
        open.finish()
        for result in await [first, second] { #expect(Set(result.done) == ["gone", "d"]) }
        await until { ledger.all.contains("gone destroy") }
        let gone = ledger.all.filter { $0.hasPrefix("gone") }
        #expect(gone.count == 4)
        #expect(Set(gone) == ["gone init", "gone event first", "gone event second", "gone destroy"])
        await new.shutdown()
        #expect(ledger.all.filter { $0 == "gone destroy" }.count == 1)
    }

    @Test("events that wait for consent wait at the successor, and go when consent comes")
    func consent() async throws {
        let ledger = Ledger()
        var configuration = DestinationConfiguration()
        configuration.mapping = try Mapping(["consent": ["marketing": true]])
        let old = collector([("d", Noting("old", ledger))], configuration)
        await old.start()
        #expect(await old.push(event("page first")).queued == ["d"])
        let new = collector([("d", Noting("new", ledger))], configuration, after: old)
        await new.succeed().value
        await until { new.status.destinations["d"]?.heldCount == 1 }
        #expect(await new.push(event("page second")).queued == ["d"])
        #expect(await new.command(.consent(["marketing": true])).done == ["d"])
        #expect(ledger.all == ["old destroy", "new init", "new page first", "new page second"])
        await new.shutdown()
    }

    @Test("state that was set while running stays; what the flow says anew counts; the run and its counts go on")
    func state() async {
        let ledger = Ledger()
        var options = CollectorOptions()
        options.user = ["id": "first"]
        options.globals = ["shop": "a"]
        let old = collector([("d", Noting("old", ledger))], options: options)
        await old.start()
        _ = await old.command(.user(["id": "set"]))
        let before = await old.push(event("page view"))
        options.user = ["id": "second"]
        options.globals = ["shop": "b"]
        let new = collector([("d", Noting("new", ledger))], options: options, after: old)
        await new.succeed().value
        let after = await new.push(event("page view"))
        #expect(after.event?[.user]["id"] == "set")
        #expect(after.event?[.globals]["shop"] == "b")
        #expect(before.event?[.source]["count"] == 1)
        #expect(after.event?[.source]["count"] == 2)
        #expect(after.event?[.source]["trace"] == before.event?[.source]["trace"])
        await new.shutdown()
    }

    @Test("dead letters and gathered batches are handed over")
    func letters() async {
        let ledger = Ledger()
        let time = ManualTime()
        var configuration = DestinationConfiguration()
        configuration.batch = BatchOptions(size: 100)
        let refusing = Noting("old", ledger) { delivery in
            delivery.event.name == "bad event" ? .rejected(reason: "no") : .delivered()
        }
        let plain = collector([("d", refusing)], time: time.collectorTime)
        await plain.start()
        #expect(await plain.push(event("bad event")).failed == ["d": "no"])
        let gathering = collector([("d", Noting("mid", ledger))], configuration, time: time.collectorTime, after: plain)
        await gathering.succeed().value
        _ = await gathering.push(event("batched one"))
        #expect(gathering.status.destinations["d"]?.batchedCount == 1)
        let new = collector([("d", Noting("new", ledger))], time: time.collectorTime, after: gathering)
        await new.succeed().value
        await until { ledger.all.contains("new batched one") }
        #expect(new.deadLetters(of: "d")?.map(\.event.name) == ["bad event"])
        #expect(new.status.destinations["d"]?.failedCount == 1)
        await new.shutdown()
    }

    @Test("a collector that succeeds nobody just starts")
    func alone() async {
        let ledger = Ledger()
        let collector = collector([("d", Noting("d", ledger))])
        await collector.succeed().value
        #expect(await collector.push(event("page view")).done == ["d"])
        await collector.shutdown()
        #expect(ledger.all == ["d init", "d page view", "d destroy"])
    }
}
