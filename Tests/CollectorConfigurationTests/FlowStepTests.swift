import Collector
import EventJSON
import Foundation
import TestSupport
import Testing

@testable import CollectorConfiguration

@Suite("Steps in flow.json")
struct FlowStepTests {
    private func faults(_ flow: String) -> [String] {
        do throws(FlowErrors) {
            _ = try self.flow(flow)
            return []
        } catch {
            return error.faults.map { "\($0.line) \($0.path.dropFirst(2).joined(separator: ".")): \($0.message)" }
        }
    }

    private func flow(_ text: String) throws(FlowErrors) -> Flow {
        let file = try FlowFile(text: Array("{\"version\":4,\"flows\":{\"d\":\(text)}}".utf8), name: "flow.json")
        return try file.flow(
            environment: EnvironmentSource([:]),
            destinationTypes: [TestTypes.destination],
            sourceTypes: [TestTypes.source]
        )
    }

    @Test("unknown transformers and stores are refused with place, line and nearest name")
    func unknown() {
        let text = """
            {
              "sources": { "s": { "package": "x",
                "next": { "one": [{ "match": "*", "next": "redct" }] } } },
              "transformers": {
                "redact": { "next": ["enrich"],
                  "state": { "mode": "get", "key": "user.id", "value": "user.x", "store": "memry" } }
              },
              "stores": { "memory": { "package": "memory" } },
              "destinations": { "a": { "package": "x",
                "before": ["redact", "nope"],
                "cache": { "store": "other", "rules": [{ "key": ["event.id"], "ttl": 1 }] } } }
            }
            """
        #expect(
            faults(text) == [
                "3 sources.s.next.one.0.next: there is no transformer \"redct\"; did you mean \"redact\"?",
                "5 transformers.redact.next.0: there is no transformer \"enrich\"; known are redact",
                "6 transformers.redact.state.store: there is no store \"memry\"; did you mean \"memory\"?",
                "10 destinations.a.before.1: there is no transformer \"nope\"; known are redact",
                "11 destinations.a.cache.store: there is no store \"other\"; known are __cache, memory",
            ]
        )
    }

    @Test("circles are refused, through next and before; a list of ids ends them")
    func circles() {
        #expect(
            faults(#"{"transformers":{"a":{"next":"b"},"b":{"before":{"match":"*","next":"a"}}}}"#).contains {
                $0.contains("transformers go round in a circle: a → b → a")
            }
        )
        #expect(faults(#"{"transformers":{"a":{"next":"a"}}}"#).count == 1)
        #expect(faults(#"{"transformers":{"a":{"next":["b"]},"b":{"next":["a"]}}}"#) == [])
    }

    @Test("a route cannot divide at a destination, not even further on")
    func divisions() {
        let transformers = #""transformers":{"t":{"next":{"many":["u","v"]}},"u":{},"v":{}}"#
        let behind = faults(#"{\#(transformers),"destinations":{"a":{"package":"x","before":"t"}}}"#)
        #expect(behind.count == 1)
        #expect(behind.first?.contains("destinations.a.before: leads to the \"next\" of transformer \"t\"") == true)
        let own = faults(#"{\#(transformers),"destinations":{"a":{"package":"x","before":{"many":["u","v"]}}}}"#)
        #expect(own.first?.contains("a route cannot divide here") == true)
        #expect(faults(#"{\#(transformers),"sources":{"s":{"package":"x","next":"t"}}}"#) == [])
    }

    @Test(
        "what is not here is refused in words",
        arguments: [
            (
                #""transformers":{"t":{"package":"@walkeros/server-transformer-file"}}"#,
                "the file transformer is not supported"
            ),
            (
                #""transformers":{"t":{"package":"@walkeros/server-transformer-bot@4.4.0"}}"#,
                "the bot transformer is not supported"
            ),
            (#""transformers":{"t":{"package":"@walkeros/transformer-ga4"}}"#, "the ga4 transformer is not supported"),
            (#""transformers":{"t":{"package":"demo"}}"#, "the demo transformer is not supported"),
            (#""transformers":{"t":{"code":{"push":"$code:() => {}"}}}"#, "JavaScript cannot run here"),
            (#""transformers":{"t":{"chainMocks":{}}}"#, "mocks of a chain are not supported"),
            (#""transformers":{"t":{"mapping":{"data":"x"}}}"#, "unknown member of a transformer's mapping"),
            (
                #""transformers":{"t":{"mapping":{"mapping":{"a":{"b":{"consent":{"m":true}}}}}}}"#,
                "cannot let events wait"
            ),
            (#""transformers":{"t":{"package":"validate"}}"#, "checks nothing"),
            (
                #""transformers":{"t":{"package":"validate","config":{"settings":{"contract":{"schema":{"typ":"x"}}}}}}"#,
                "did you mean \"type\"?"
            ),
            (#""transformers":{"t":{"package":"fingerprint"}}"#, "is an array of values"),
            (#""stores":{"s":{"package":"@walkeros/server-store-s3"}}"#, "unknown package"),
            (#""stores":{"s":{"package":"memory","cache":{"rules":[]}}}"#, "caches in front of stores"),
            (#""sources":{"s":{"package":"x","cache":{"rules":[]}}}"#, "a source's cache answers requests"),
            (
                #""destinations":{"a":{"package":"x","cache":{"rules":[{"key":["data.id"],"ttl":1}]}}}"#,
                "begins with \"event.\""
            ),
            (
                #""destinations":{"a":{"package":"x","cache":{"rules":[{"key":["event.id"],"ttl":0}]}}}"#,
                "is a number of seconds"
            ),
            (
                #""destinations":{"a":{"package":"x","cache":{"rules":[{"key":["event.id"],"ttl":1,"update":{}}]}}}"#,
                "changes remembered answers"
            ),
            (#""destinations":{"a":{"package":"x","state":{"mode":"put","key":"a"}}}"#, "is \"get\" or \"set\""),
        ]
    )
    func refused(_ part: String, _ message: String) {
        let found = faults("{\(part)}")
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.contains(message) == true, "\(found)")
    }

    @Test("mappings, states and mocks may stand in the entry or in its config, and count")
    func places() throws {
        let flow = try flow(
            #"""
            {"transformers":{"a":{"mapping":{"policy":{"data.x":{"value":1}}},"disabled":true},
              "b":{"config":{"mapping":{"policy":{"data.x":{"value":1}}},"mock":{"data":{}},
                "state":[{"mode":"get","key":"id","value":"data.y"}]}}},
             "destinations":{"d":{"package":"x","config":{"state":{"mode":"set","key":"id","value":"name"}}}}}
            """#
        )
        #expect(flow.transformers.map(\.isDisabled) == [true, false])
        #expect(flow.transformers[1].mock == ["data": [:]])
        #expect(flow.transformers[1].steps.states.count == 1)
        #expect(flow.destinations[0].registration.configuration.steps.states.count == 1)
    }

    @Test("the example with steps does what its examples say")
    func example() async throws {
        let path = Fixtures.packageRoot.appending(path: "Examples/Steps/flow.json")
        let file = try FlowFile(text: Array(Data(contentsOf: path)), name: "flow.json")
        let printer = DestinationType(name: "console", packages: [], summary: "Prints.", settings: []) { _, _, _ in
            Printer()
        }
        let source = SourceType(
            name: "http",
            packages: ["@walkeros/server-source-express"],
            summary: "Brings events.",
            settings: [],
            options: [SettingDescription("ingest", .any, "What is noted.")],
            check: { _, _, _ in }
        )
        let flow = try file.flow(
            environment: EnvironmentSource([:]),
            destinationTypes: [printer],
            sourceTypes: [source]
        )
        let tests = FlowTest.cases(ofExamplesIn: flow)
        #expect(tests.count == 3)
        for test in tests { #expect(await test.run(on: flow) == [], "\(test.name)") }
        let order: JSONObject = ["name": "order complete", "data": ["id": "o1", "total": 1]]
        let outcome = await FlowSimulation.run(flow, events: [order, order])
        #expect(outcome.destinations.map(\.commands.count) == [1])
        #expect(outcome.destinations.map(\.knownCount) == [1])
    }

    private struct Printer: PreviewableDestination {
        let type = "console"
        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] { batch.deliveries.map { _ in .delivered() } }
        func preview(_ delivery: Delivery) -> [String] {
            ["print", String(decoding: delivery.event.json, as: UTF8.self)]
        }
    }
}
