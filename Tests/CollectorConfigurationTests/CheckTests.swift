import Collector
import EventJSON
import Testing

@testable import CollectorConfiguration

@Suite("Checks")
struct CheckTests {
    private func warnings(_ flow: String, contract: String = "{}", only: String? = nil) throws -> [String] {
        let text = #"{"version":4,"contract":\#(contract),"flows":{"d":\#(flow),"e":{}}}"#
        return try FlowFile(text: Array(text.utf8), name: "flow.json").warnings(flow: only).map { fault in
            "\(fault.path.joined(separator: ".")): \(fault.message)"
        }
    }

    @Test("routes that are hardly meant so")
    func routes() throws {
        let found = try warnings(
            #"{"transformers":{"t":{"next":[{"one":[{"many":["a"]},{"next":{"many":[]}}]},"z"],"before":[["a",{"many":["b","c"]},"d"]]}}}"#
        )
        #expect(
            found == [
                "flows.d.transformers.t.next.0.one.0.many: \"many\" with one branch is the same as \"next\"; write that",
                "flows.d.transformers.t.next.0.one.1.next.many: \"many\" without a branch leads nowhere; remove it",
                "flows.d.transformers.t.before.0.1: nothing behind \"many\" is reached; move what follows into each of its branches",
            ]
        )
        #expect(try warnings(#"{"sources":{"s":{"next":["a",{"many":["b","c"]}]}}}"#) == [])
        // Branches do not stand one behind the other.
        #expect(try warnings(#"{"sources":{"s":{"next":{"many":[{"many":["a","b"]},"c"]}}}}"#) == [])
        #expect(try warnings(#"{"sources":{"s":{"next":{"many":[]}}}}"#, only: "e") == [])
    }

    @Test("examples that break a contract, their entity and action taken from the name")
    func examples() throws {
        let found = try warnings(
            #"{"destinations":{"a":{"examples":{"e":{"in":{"name":"page view","data":{}}},"f":{"in":{"name":"x y"}}}}}}"#,
            contract: #"{"c":{"events":{"page":{"view":{"properties":{"data":{"required":["title"]}}}}}}}"#
        )
        #expect(
            found == [
                "flows.d.destinations.a.examples.e.in: the example breaks the contract \"c\": #/data: \"title\" is required"
            ]
        )
    }

    @Test("mappings whose levels are joined by a dot")
    func dottedMapping() throws {
        let found = try warnings(#"{"destinations":{"a":{"config":{"mapping":{"page.view":{},"page":{}}}}}}"#)
        #expect(found.map { String($0.prefix(48)) } == ["flows.d.destinations.a.config.mapping.page.view:"])
    }

    @Test("contracts of a flow file are checked, used or not")
    func contracts() {
        let text = #"""
            {"version":4,"contract":{"a":{"events":{"page":{"view":{"requird":["x"]}}}}},"flows":{"d":{}}}
            """#
        let error = #expect(throws: FlowErrors.self) {
            try FlowFile(text: Array(text.utf8), name: "flow.json").flow(
                environment: EnvironmentSource([:]),
                destinationTypes: [],
                sourceTypes: []
            )
        }
        #expect(
            error?.description
                == "flow.json:1:57: contract.a.events.page.view.requird: unknown keyword, which could not be checked; did you mean \"required\"?"
        )
    }

    @Test("contracts alone: extend, schemas, members")
    func contractCheck() {
        let report = ContractCheck.check([
            "a": ["events": ["x": ["y": ["type": "objct"]]]], "b": ["extend": "none"],
        ])
        #expect(report.errors.map(\.path) == ["b"])
        let second = ContractCheck.check(["a": ["schema": ["type": "objct"], "glob": 1], "b": ["extend": "a"]])
        #expect(second.errors.map(\.path) == ["a.glob", "a.schema.type", "b.glob", "b.schema.type"])
        #expect(ContractCheck.check(["a": ["schema": ["type": "object"]]]).isValid)
        #expect(ContractCheck.check([]).errors.map(\.path) == ["root"])
    }

    @Test("mappings alone name the place without the member that holds them")
    func mappingCheck() {
        let report = MappingCheck.check(["page": ["view": ["nam": "x"]]])
        #expect(report.errors.map(\.path) == ["page.view.nam"])
        #expect(MappingCheck.check(5).errors.map(\.path) == ["root"])
    }

    @Test("a fault of an event's name is told once")
    func eventName() {
        #expect(EventCheck.check(["name": 5]).errors.map(\.code) == ["EMPTY_EVENT_NAME"])
    }

    @Test("reports as JSON")
    func json() {
        #expect(
            EventCheck.check(["name": "x"]).json(type: "event")["errors"][0] == [
                "path": "name", "code": "INVALID_EVENT_NAME",
                "message": "Event name must be \"entity action\" format with space (e.g., \"page view\")",
            ]
        )
    }

    @Test("rules of a flow are laid over those that a destination's type ships")
    func shippedRules() throws {
        let type = DestinationType(
            name: "shipping",
            packages: [],
            summary: "Ships rules.",
            settings: [],
            mapping: ["page": ["view": ["name": "pageview", "data": ["map": ["a": "data.a", "b": "data.b"]]]]]
        ) { _, _, _ in TestTypes.Silent() }
        func flow(_ mapping: String) throws -> Flow {
            let text =
                #"{"version":4,"flows":{"d":{"destinations":{"x":{"package":"shipping","config":\#(mapping)}}}}}"#
            return try FlowFile(text: Array(text.utf8), name: "flow.json").flow(
                environment: EnvironmentSource([:]),
                destinationTypes: [type],
                sourceTypes: []
            )
        }
        func mapped(_ flow: Flow) throws -> MappedEvent {
            let event = try Event(jsonText: Array(#"{"name":"page view","data":{"a":1,"b":2}}"#.utf8))
            return flow.destinations[0].registration.configuration.mapping.map(event, consent: [:], nowMilliseconds: 0)
        }
        let shipped = try mapped(flow("{}"))
        #expect(shipped.event.name == "pageview")
        #expect(shipped.data == ["a": 1, "b": 2])
        let extended = try mapped(
            flow(#"{"mapping":{"page":{"view":{"extend":{"data":{"map":{"a":null,"c":"name"}}},"remove":["b"]}}}}"#)
        )
        #expect(extended.event.name == "pageview")
        #expect(extended.data == ["c": "pageview"])
        #expect(try mapped(flow(#"{"mapping":{"page":{"view":{"name":"own"}}}}"#)).data.isMissing)
        #expect(throws: FlowErrors.self) { try flow(#"{"mapping":{"page":{"view":{"extend":{},"name":"x"}}}}"#) }
        #expect(throws: FlowErrors.self) { try flow(#"{"mapping":{"page":{"other":{"extend":{"name":"x"}}}}}"#) }
    }
}
