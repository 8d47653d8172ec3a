import EventJSON
import Testing

@testable import Collector

@Suite("Steps of sources")
struct SourceStepTests {
    @Test("asynchronous steps keep the order of events, and events that need no waiting do not overtake")
    func order() async throws {
        let gate = GatedTransformer()
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            source: ["next": ["match": ["key": "event.name", "operator": "prefix", "value": "slow"], "next": "t"]]
        )
        await house.collector.start()
        let pushes = [house.begin("slow one"), house.begin("quick two"), house.begin("slow three")]
        await gate.called(1)
        #expect(house.delivered.isEmpty)
        gate.open()
        for push in pushes { #expect(await push.value.isOK) }
        #expect(house.delivered.map(\.name) == ["slow one", "quick two", "slow three"])
        #expect(house.delivered.map { $0[.data]["seen"] } == [true, .missing, true])
        #expect(house.delivered.map { $0[.source]["count"] } == [1, 2, 3])
        #expect(gate.initializeCount == 1)
    }

    @Test("an event whose step fails is not accepted, and neither the reason nor the event goes to the sender")
    func failure() async throws {
        let house = try StepHouse(
            transformers: [
                TransformerRegistration(id: "t", transformer: GatedTransformer(isOpen: true, failingCalls: 1))
            ],
            source: ["next": "t"]
        )
        await house.collector.start()
        let failed = await house.push("a one")
        #expect(failed.error == "the event could not be processed")
        #expect(!failed.isInvalid)
        #expect(await house.push("a two").isOK)
        #expect(house.delivered.map(\.name) == ["a two"])
        #expect(house.collector.status.failedCount == 1)
        #expect(house.collector.status.acceptedCount == 1)
    }

    @Test("a failed init means not accepted, and the next event tries again")
    func initialization() async throws {
        let gate = GatedTransformer(isOpen: true, failingInitializations: 1)
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            source: ["before": "t"]
        )
        await house.collector.start()
        #expect(await !house.push("a one").isOK)
        #expect(await house.push("a two").isOK)
        #expect(gate.initializeCount == 2)
        #expect(house.delivered.map(\.name) == ["a two"])
    }

    @Test("steps that hang are given up after ten seconds; those behind go on")
    func hanging() async throws {
        let gate = GatedTransformer()
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            source: ["next": ["match": ["key": "event.name", "operator": "prefix", "value": "slow"], "next": "t"]]
        )
        await house.collector.start()
        let slow = house.begin("slow one")
        let quick = house.begin("quick two")
        await gate.called(1)
        #expect(await !house.advanceUntil(slow).isOK)
        #expect(await quick.value.isOK)
        #expect(house.delivered.map(\.name) == ["quick two"])
        gate.open()
    }

    @Test("a drop is no failure, and is counted")
    func dropped() async throws {
        let house = try StepHouse(
            transformers: [
                TransformerRegistration(id: "t", transformer: ClosureTransformer { _ in .dropped })
            ],
            source: ["next": "t"]
        )
        await house.collector.start()
        let result = await house.push("a one")
        #expect(result.isOK)
        #expect(result.event == nil)
        #expect(house.collector.status.sources["s"]?.droppedCount == 1)
        #expect(house.collector.status.acceptedCount == 0)
    }

    @Test("one event becomes several, each with an id of its own; a failure of one is told")
    func several() async throws {
        let split = ClosureTransformer { input in
            var second = input.event
            second[.name] = "b two"
            return .several([TransformedEvent(input.event), TransformedEvent(second)])
        }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: split)],
            source: ["next": "t"],
            behaviour: ["push": ["throwOn": [4]]]
        )
        await house.collector.start()
        let result = await house.collector.push(
            ["name": "a one", "id": "0123456789abcdef"],
            options: PushOptions(source: "s")
        )
        #expect(result.isOK)
        #expect(result.isDivided)
        #expect(result.outcomes.isEmpty)
        #expect(house.delivered.map(\.name) == ["a one", "b two"])
        let child = StepRun.childID(of: "0123456789abcdef", index: 1)
        #expect(house.delivered.map(\.id) == ["0123456789abcdef", child])
        #expect(child != "0123456789abcdef")
        #expect(house.collector.status.acceptedCount == 2)
        let second = await house.push("a three")
        #expect(second.failed == ["a": "push failed"])
        #expect(second.outcomes.count == 1)
    }

    @Test("if one of several is invalid, none is accepted")
    func severalInvalid() async throws {
        let split = ClosureTransformer { input in
            var second = input.event
            second[.name] = "one-word"
            return .several([TransformedEvent(input.event), TransformedEvent(second)])
        }
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: split)],
            source: ["next": "t"]
        )
        await house.collector.start()
        #expect(await house.push("a one").isInvalid)
        #expect(house.delivered.isEmpty)
    }

    @Test("what a validate step finds is seen by routes behind it")
    func validation() async throws {
        var problems = ConfigurationProblems()
        let validate = TransformerType.validate.make(
            ["contract": ["schema": ["properties": ["data": ["required": ["total"]]]]]],
            [],
            &problems
        )
        let mark = ClosureTransformer { input in
            var event = input.event
            event[.data] = .object((event[.data].object ?? [:]).assigning(["bad": true]))
            return .changed(TransformedEvent(event))
        }
        #expect(problems.isEmpty)
        let house = try StepHouse(
            transformers: [
                TransformerRegistration(id: "v", transformer: validate),
                TransformerRegistration(id: "m", transformer: mark),
            ],
            source: [
                "before": "v", "next": ["match": ["key": "ingest.validation", "operator": "exists"], "next": "m"],
            ]
        )
        await house.collector.start()
        #expect(await house.push("order complete", ["total": 1]).isOK)
        #expect(await house.push("order complete").isOK)
        #expect(house.delivered.map { $0[.source]["valid"] } == [true, false])
        #expect(house.delivered.map { $0[.data]["bad"] } == [.missing, true])
    }

    @Test("shutdown lets what is in steps through, then ends destinations, transformers and stores")
    func shutdown() async throws {
        let gate = GatedTransformer()
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate)],
            source: ["next": "t"]
        )
        await house.collector.start()
        let pushes = [house.begin("a one"), house.begin("a two")]
        await gate.called(1)
        let end = Task { await house.collector.shutdown() }
        while house.collector.isRunning { await Task.yield() }
        #expect(await house.push("a three").error == PushResult.shutDownReason)
        gate.open()
        for push in pushes { #expect(await push.value.isOK) }
        await end.value
        #expect(house.delivered.map(\.name) == ["a one", "a two"])
        #expect(house.destination.recorded.destroyCount == 1)
        #expect(gate.destroyCount == 1)
    }
}
