import EventJSON
import JSONSchema
import TestSupport
import Testing

@testable import Collector

@Suite("Contracts")
struct EventContractTests {
    /// The recorded cases of walkerOS's validate transformer.
    @Test("recorded", arguments: Fixtures.vectors("walkeros/flow.json", kind: "contractEvent"))
    func recorded(_ vector: Vector) {
        let event = vector.input["event"].object ?? [:]
        let options = vector.input["options"]
        var problems = ConfigurationProblems()
        var issues: [JSONSchemaIssue] = []
        var isAllowed = true
        if options["format"] == true {
            issues += EventFormat.closed.issues(in: .object(event))
            isAllowed = EventFormat.closed.isValid(.object(event))
        }
        for contract in options["contracts"].array ?? [] {
            let contract = EventContract(contract.object ?? [:], problems: &problems)
            issues += contract.issues(in: event)
            isAllowed = isAllowed && contract.allows(event)
        }
        #expect(problems.isEmpty, "\(problems.list)")
        #expect(issues.isEmpty == vector.expected["isValid"].bool, "\(issues)")
        #expect(isAllowed == vector.expected["isValid"].bool)
        // The recordings also name every place on the way to a fault.
        let places = issues.flatMap { issue in
            let steps = issue.path.split(separator: "/")
            return steps.indices.map { steps[...$0].joined(separator: "/") }
        }
        #expect(Set(places) == Set(vector.expected["errorPaths"].array?.compactMap(\.string) ?? []))
    }

    @Test("of the schemas for a name, the most particular applies alone")
    func selection() throws {
        var problems = ConfigurationProblems()
        let contract = EventContract(
            [
                "events": [
                    "page": ["view": ["required": ["a"]], "*": ["required": ["b"]]],
                    "*": ["view": ["required": ["c"]], "x": ["required": ["e"]], "*": ["required": ["d"]]],
                ]
            ],
            problems: &problems
        )
        #expect(problems.isEmpty)
        func missing(_ entity: JSONValue, _ action: JSONValue) -> String? {
            contract.issues(in: ["entity": entity, "action": action]).first?.message
        }
        #expect(missing("page", "view") == "\"a\" is required")
        #expect(missing("page", "x") == "\"b\" is required")
        #expect(missing("x", "view") == "\"c\" is required")
        #expect(missing("x", "x") == "\"e\" is required")
        #expect(missing("x", "y") == "\"d\" is required")
        #expect(missing(.missing, 5) == "\"d\" is required")
    }

    @Test(
        "what cannot be honoured is refused with the place and the remedy",
        arguments: [
            (
                ["events": ["page": ["view": ["requird": ["a"]]]]], "events.page.view.requird",
                "did you mean \"required\"?"
            ),
            (["events": ["page view": ["*": [:]]]], "events.page view", "two levels"),
            (["events": ["page": 5]], "events.page", "action → schema"),
            (["schema": ["properties": ["a": ["format": "x"]]]], "schema.properties.a.format", "cannot be checked"),
            (["schema": [:], "globals": [:]], "globals", "unknown member of a contract"),
            (["type": "objct"], "type", "one or more of"),
        ] as [(JSONObject, String, String)]
    )
    func refused(_ contract: JSONObject, _ path: String, _ message: String) {
        var problems = ConfigurationProblems()
        _ = EventContract(contract, problems: &problems)
        #expect(problems.list.first?.path.joined(separator: ".") == path)
        #expect(problems.list.first?.message.contains(message) == true, "\(problems.list)")
    }

    @Test("a contract without rules asks for nothing")
    func empty() {
        var problems = ConfigurationProblems()
        let contract = EventContract(["description": "later", "tagging": 1], problems: &problems)
        #expect(problems.isEmpty)
        #expect(contract.allows(["anything": 1]))
    }

    @Test(
        "the event model",
        arguments: [
            (["data": ["a": [1, ["b": "c"]]]], true, true),
            (["data": ["a": [[1]]]], false, false),
            (["context": ["page": ["home", 0]]], true, true),
            (["context": ["page": ["home"]]], false, false),
            (["user": ["email": "a.b+c@d.example"]], true, true),
            (["user": ["email": ".a@d.example"]], false, false),
            (["user": ["email": "a..b@d.example"]], false, false),
            (["user": ["id": 5]], false, false),
            (["source": ["type": "browser", "count": 1, "release": ["x": "1"]]], true, true),
            (["source": ["count": 1]], false, false),
            (["nested": [["entity": "a", "data": [:], "nested": [["entity": "b", "data": [:]]]]]], true, true),
            (["nested": [["entity": "a"]]], false, false),
            (["consent": ["a": true]], true, true),
            (["consent": ["a": 1]], false, false),
            (["timestamp": 1.5], false, false),
            (["id": ""], false, false),
            (["user": ["shoe": "44"]], false, true),
            (["source": ["type": "x", "shoe": "44"]], false, true),
            (["nested": [["entity": "a", "data": [:], "shoe": 44]]], false, true),
            (["shoe": nil], false, true),
        ] as [(JSONObject, Bool, Bool)]
    )
    func model(_ event: JSONObject, _ isClosedModel: Bool, _ isOpenModel: Bool) {
        #expect(EventFormat.closed.isValid(.object(event)) == isClosedModel)
        #expect(EventFormat.open.isValid(.object(event)) == isOpenModel)
    }

    @Test("the schemas of the event model compile")
    func modelCompiles() throws {
        _ = try CompiledSchema(EventFormat.schema(isClosed: true))
        _ = try CompiledSchema(EventFormat.schema(isClosed: false))
    }
}
