import EventJSON
import Testing

@testable import Collector

@Suite("Steps of destinations")
struct DestinationStepTests {
    @Test("asynchronous steps keep the order of events")
    func order() async throws {
        let gate = GatedTransformer()
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            destination: [
                "before": ["match": ["key": "event.name", "operator": "prefix", "value": "slow"], "next": "t"]
            ]
        )
        await house.collector.start()
        let pushes = [house.begin("slow one"), house.begin("quick two"), house.begin("slow three")]
        await gate.called(1)
        gate.open()
        for push in pushes { #expect(await push.value.done == ["a"]) }
        #expect(house.delivered.map(\.name) == ["slow one", "quick two", "slow three"])
    }

    @Test("a step that fails is tried again; the event arrives changed")
    func retry() async throws {
        let gate = GatedTransformer(isOpen: true, failingCalls: 2)
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            destination: ["before": "t"]
        )
        await house.collector.start()
        let push = house.begin("a one")
        #expect(await house.advanceUntil(push).done == ["a"])
        #expect(gate.calls.count == 3)
        #expect(house.delivered.map { $0[.data]["seen"] } == [true])
    }

    @Test("an event whose step fails for longer than the time limit becomes a dead letter; the next goes on")
    func deadLetter() async throws {
        struct Down: Error, CustomStringConvertible { let description = "down" }
        let failing = ClosureTransformer { input in
            if input.event.name == "a bad" { throw Down() }
            return .unchanged
        }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: failing)],
            destination: ["before": "t"],
            config: ["timeout": 3000]
        )
        await house.collector.start()
        let bad = house.begin("a bad")
        let good = house.begin("a good")
        #expect(await house.advanceUntil(bad).failed == ["a": "transformer \"t\": down"])
        #expect(await good.value.done == ["a"])
        #expect(house.delivered.map(\.name) == ["a good"])
        let letters = house.collector.deadLetters(of: "a") ?? []
        #expect(letters.map(\.event.name) == ["a bad"])
        #expect((letters.first?.attemptCount ?? 0) > 1)
        #expect(house.collector.status.destinations["a"]?.failedCount == 1)
        #expect(house.collector.status.destinations["a"]?.waitingCount == 0)
    }

    @Test("events wait while a transformer cannot be initialized, and come first once it is")
    func initialization() async throws {
        let gate = GatedTransformer(isOpen: true, failingInitializations: 1)
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            destination: ["before": "t"]
        )
        await house.collector.start()
        #expect(await house.push("a one").queued == ["a"])
        #expect(house.collector.status.destinations["a"]?.heldCount == 1)
        #expect(await house.push("a two").done == ["a"])
        #expect(house.delivered.map(\.name) == ["a one", "a two"])
        #expect(house.collector.status.destinations["a"]?.waitingCount == 0)
    }

    @Test("a drop is settled, counted, and delivers nothing")
    func dropped() async throws {
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: ClosureTransformer { _ in .dropped })],
            destination: ["before": "t"]
        )
        await house.collector.start()
        let result = await house.push("a one")
        #expect(result.isOK)
        #expect(result.outcomes.isEmpty)
        #expect(house.delivered.isEmpty)
        let status = house.collector.status.destinations["a"]
        #expect(status?.droppedCount == 1)
        #expect(status?.waitingCount == 0)
    }

    @Test("several deliveries of one event are all waited for")
    func several() async throws {
        let split = ClosureTransformer { .several([TransformedEvent($0.event), TransformedEvent($0.event)]) }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: split)],
            destination: ["before": "t"]
        )
        await house.collector.start()
        #expect(await house.push("a one").done == ["a", "a"])
        #expect(Set(house.delivered.map(\.id)).count == 2)
        #expect(house.collector.status.destinations["a"]?.waitingCount == 0)
    }

    @Test("consent that a step takes back holds the event")
    func consentTakenBack() async throws {
        let deny = ClosureTransformer { input in
            var event = input.event
            event[.consent] = ["marketing": false]
            return .changed(TransformedEvent(event))
        }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: deny)],
            destination: ["before": "t"],
            config: ["consent": ["marketing": true]]
        )
        await house.collector.start()
        _ = await house.collector.command(.consent(["marketing": true]))
        #expect(await house.push("a one").queued == ["a"])
        #expect(house.delivered.isEmpty)
    }

    @Test("next follows only what was delivered, and sees the response")
    func next() async throws {
        let seen = GatedTransformer(isOpen: true)
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: seen)],
            destination: [
                "next": ["match": ["key": "ingest._response.n", "operator": "eq", "value": "7"], "next": "t"]
            ],
            config: ["mapping": ["a": ["ignored": ["ignore": true]]]],
            behaviour: ["push": ["return": ["response": ["n": 7]], "throwOn": [2]]]
        )
        await house.collector.start()
        #expect(await house.push("a ignored").isOK)
        #expect(await house.push("a one").done == ["a"])
        #expect(await house.push("a failing").failed == ["a": "push failed"])
        await house.collector.shutdown()
        #expect(seen.calls == ["a one"])
        #expect(house.delivered.map { $0[.data]["seen"] } == [.missing])
    }

    @Test("a transformer that names the next ones round in a circle fails the event, and nothing passes")
    func circle() async throws {
        let round = ClosureTransformer { .changed(TransformedEvent($0.event, next: ["t"])) }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: round)],
            destination: ["before": "t"]
        )
        await house.collector.start()
        #expect(await house.push("a one").failed == ["a": "too many steps at transformer \"t\""])
        #expect(house.delivered.isEmpty)
    }
}
