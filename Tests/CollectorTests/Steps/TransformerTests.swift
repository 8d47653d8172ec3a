import EventJSON
import Testing

@testable import Collector

@Suite("Transformers")
struct TransformerTests {
    private func make(_ type: TransformerType, _ settings: JSONValue) throws -> any ImmediateTransformer {
        var problems = ConfigurationProblems()
        let transformer = type.make(settings, [], &problems)
        if let problem = problems.list.first { throw problem }
        return try #require(transformer as? any ImmediateTransformer)
    }

    private func event(_ json: String) throws -> Event { try Event(jsonText: Array(json.utf8)) }

    @Test("validate in strict mode leaves bad events out; format refuses what the model does not know")
    func validate() throws {
        let strict = try make(.validate, ["format": true, "mode": "strict", "output": ["isValid": ""]])
        let good = TransformerInput(event: try event(#"{"name":"a b","data":{}}"#))
        let bad = TransformerInput(event: try event(#"{"name":"a b","data":7}"#))
        guard case .changed(let kept) = try strict.transform(good) else {
            Issue.record("not kept")
            return
        }
        #expect(kept.event[.source].isMissing)
        guard case .dropped = try strict.transform(bad) else {
            Issue.record("not dropped")
            return
        }
    }

    @Test("fingerprint hashes texts one behind the other, and nothing where there is nothing")
    func fingerprint() throws {
        let transformer = try make(
            .fingerprint,
            ["fields": ["ingest.agent", "event.user.id"], "length": 16]
        )
        let input = TransformerInput(event: try event(#"{"name":"a b","user":{"id":"c"}}"#), ingest: ["agent": "ab"])
        guard case .changed(let changed) = try transformer.transform(input) else {
            Issue.record("unchanged")
            return
        }
        // SHA-256 of "abc".
        #expect(changed.event[.user]["hash"] == "ba7816bf8f01cfea")
        let empty = TransformerInput(event: try event(#"{"name":"a b"}"#))
        guard case .unchanged = try transformer.transform(empty) else {
            Issue.record("hash of nothing")
            return
        }
    }

    @Test("mock, disabled: the transformer is not asked; what follows is")
    func order() async throws {
        let asked = GatedTransformer(isOpen: true)
        var mocked = TransformerRegistration(id: "m", transformer: asked)
        mocked.mock = ["data": ["mocked": true]]
        var disabled = TransformerRegistration(id: "d", transformer: asked)
        disabled.isDisabled = true
        var problems = ConfigurationProblems()
        disabled.steps = StepOptions(["next": "m"], owner: .transformer, problems: &problems)
        let house = try StepHouse(transformers: [mocked, disabled], source: ["next": "d"])
        await house.collector.start()
        #expect(await house.push("a one").isOK)
        #expect(asked.calls.isEmpty)
        #expect(asked.initializeCount == 0)
        #expect(house.delivered.map { $0[.data]["mocked"] } == [true])
    }

    @Test("before, state get, push, state set, in this order")
    func positions() async throws {
        func note(_ name: String) -> ClosureTransformer {
            ClosureTransformer { input in
                var event = input.event
                let text = (event[.custom]["trail"].string ?? "") + name
                event[.custom] = .object((event[.custom].object ?? [:]).assigning(["trail": .string(text)]))
                return .changed(TransformedEvent(event))
            }
        }
        var problems = ConfigurationProblems()
        let steps = StepOptions(
            [
                "before": "before", "next": "next",
                "state": [
                    ["mode": "get", "key": "data.key", "value": "custom.trail", "store": "m"],
                    ["mode": "set", "key": "data.key", "value": "custom.trail", "store": "m"],
                ],
            ],
            owner: .transformer,
            problems: &problems
        )
        #expect(problems.isEmpty)
        let store = MemoryStore()
        store.setImmediately("kept ", forKey: "k", lifetimeMilliseconds: nil)
        let house = try StepHouse(
            transformers: [
                TransformerRegistration(id: "t", transformer: note("push "), steps: steps),
                TransformerRegistration(id: "before", transformer: note("before ")),
                TransformerRegistration(id: "next", transformer: note("next")),
            ],
            source: ["next": "t"],
            stores: [StoreRegistration(id: "m", store: store)]
        )
        await house.collector.start()
        #expect(await house.push("a one", ["key": "k"]).isOK)
        #expect(house.delivered.map { $0[.custom]["trail"] } == ["kept push next"])
        #expect(store.immediateValue(forKey: "k") == "kept push ")
    }
}
