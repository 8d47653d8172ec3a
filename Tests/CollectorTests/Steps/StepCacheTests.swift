import CollectorTesting
import EventJSON
import Testing

@testable import Collector

@Suite("Caches, states and stores")
struct StepCacheTests {
    private static let cache: JSONObject = ["cache": ["rules": [["key": ["event.data.id"], "ttl": 60]]]]

    @Test("while an event is under way, the same event waits, and is known once the first was delivered")
    func concurrentDelivered() async throws {
        let held = AnsweringDestination()
        let collector = try Self.collector(held)
        await collector.start()
        let first = Task { await collector.push(["name": "a one", "data": ["id": 1]]) }
        await held.asked(1)
        let second = await collector.push(["name": "a two", "data": ["id": 1]])
        #expect(second.queued == ["a"])
        held.answer(.delivered())
        #expect(await first.value.done == ["a"])
        #expect(await collector.push(["name": "a three", "data": ["id": 1]]).outcomes.isEmpty)
        #expect(held.names == ["a one"])
        #expect(collector.status.destinations["a"]?.knownCount == 2)
        #expect(collector.status.destinations["a"]?.waitingCount == 0)
    }

    @Test("if the first fails, the one that waited is delivered")
    func concurrentFailed() async throws {
        let held = AnsweringDestination()
        let collector = try Self.collector(held)
        await collector.start()
        let first = Task { await collector.push(["name": "a one", "data": ["id": 1]]) }
        await held.asked(1)
        #expect(await collector.push(["name": "a two", "data": ["id": 1]]).queued == ["a"])
        held.answer(.rejected(reason: "no"))
        #expect(await first.value.failed == ["a": "no"])
        await held.asked(2)
        held.answer(.delivered())
        await collector.shutdown()
        #expect(held.names == ["a one", "a two"])
    }

    private static func collector(_ destination: any Destination) throws -> Collector {
        var problems = ConfigurationProblems()
        var configuration = DestinationConfiguration()
        configuration.steps = StepOptions(cache, owner: .destination, problems: &problems)
        #expect(problems.isEmpty)
        return Collector(
            destinations: [DestinationRegistration(id: "a", destination: destination, configuration: configuration)],
            logger: RecordedLogs().logger()
        )
    }

    @Test("keys whose parts contain colons do not run into one another")
    func colons() async throws {
        let house = try StepHouse(
            transformers: [],
            destination: ["cache": ["rules": [["key": ["event.data.a", "event.data.b"], "ttl": 60]]]]
        )
        await house.collector.start()
        #expect(await house.push("a one", ["a": "x:y", "b": "z"]).done == ["a"])
        #expect(await house.push("a one", ["a": "x", "b": "y:z"]).done == ["a"])
    }

    @Test("a remembered event brings its content, not its id and never its consent")
    func transformerCache() async throws {
        var problems = ConfigurationProblems()
        let gate = GatedTransformer(isOpen: true)
        let steps = StepOptions(
            ["cache": ["rules": [["key": ["event.data.id"], "ttl": 60]]]],
            owner: .transformer,
            problems: &problems
        )
        let house = try StepHouse(
            transformers: [TransformerRegistration(id: "t", transformer: gate, steps: steps)],
            source: ["next": "t"]
        )
        await house.collector.start()
        let options = PushOptions(source: "s")
        _ = await house.collector.push(
            ["name": "a one", "data": ["id": 1], "consent": ["marketing": true]],
            options: options
        )
        _ = await house.collector.push(
            ["name": "a one", "data": ["id": 1], "consent": ["marketing": false]],
            options: options
        )
        #expect(gate.calls.count == 1)
        #expect(house.delivered.map { $0[.data]["seen"] } == [true, true])
        #expect(house.delivered.map { $0[.consent]["marketing"] } == [true, .missing])
        #expect(Set(house.delivered.map(\.id)).count == 2)
    }

    @Test("a store that is not ready makes events wait; its values are asked for once it is")
    func asynchronousStore() async throws {
        let store = SlowStore(failingInitializations: 2)
        let house = try StepHouse(
            transformers: [],
            destination: ["cache": ["store": "slow", "rules": [["key": ["event.data.id"], "ttl": 60]]]],
            stores: [StoreRegistration(id: "slow", store: store)]
        )
        await house.collector.start()
        #expect(await house.push("a one", ["id": 1]).queued == ["a"])
        #expect(await house.push("a two", ["id": 2]).done == ["a"])
        #expect(await house.push("a three", ["id": 2]).isOK)
        await house.collector.shutdown()
        #expect(house.delivered.map(\.name) == ["a one", "a two"])
        #expect(store.isDestroyed)
    }

    @Test("a destination's state is kept only for events that were delivered")
    func state() async throws {
        let store = MemoryStore()
        let house = try StepHouse(
            transformers: [],
            destination: ["state": ["mode": "set", "store": "m", "key": "data.key", "value": "name"]],
            config: ["mapping": ["a": ["ignored": ["ignore": true]]]],
            stores: [StoreRegistration(id: "m", store: store)]
        )
        await house.collector.start()
        _ = await house.push("a ignored", ["key": "k"])
        #expect(store.immediateValue(forKey: "k").isMissing)
        _ = await house.push("a one", ["key": "k"])
        #expect(store.immediateValue(forKey: "k") == "a one")
    }

    @Test("a full memory store lets go of what was not used for longest, and of what has expired")
    func memory() {
        let time = ManualTime()
        let store = MemoryStore(maximumCount: 10, nowMilliseconds: time.collectorTime.monotonicMilliseconds)
        for index in 0..<10 {
            store.setImmediately(.number(JSONNumber(index)), forKey: "\(index)", lifetimeMilliseconds: nil)
        }
        #expect(store.immediateValue(forKey: "0") == 0)
        store.setImmediately("new", forKey: "new", lifetimeMilliseconds: 50)
        #expect(store.count == 8)
        #expect(store.immediateValue(forKey: "0") == 0)
        #expect(store.immediateValue(forKey: "1").isMissing)
        #expect(store.immediateValue(forKey: "new") == "new")
        time.advance(milliseconds: 50)
        #expect(store.immediateValue(forKey: "new").isMissing)
    }
}
