import Collector
import EventJSON
import Testing

@testable import CollectorConfiguration

@Suite("Flow files")
struct FlowFileTests {
    private func faults(_ text: String, environment: [String: String] = [:], files: [String: String] = [:]) -> [String]
    {
        do throws(FlowErrors) {
            _ = try flow(text, environment: environment, files: files)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    private func flow(
        _ text: String,
        environment: [String: String] = [:],
        files: [String: String] = [:]
    ) throws(FlowErrors) -> Flow {
        let file = try FlowFile(text: Array(text.utf8), name: "flow.json")
        return try file.flow(
            environment: EnvironmentSource(variable: { environment[$0] }, file: { files[$0] }),
            destinationTypes: [TestTypes.destination],
            sourceTypes: [TestTypes.source]
        )
    }

    @Test("every fault is told at once, with line, path and remedy, in the order of the file")
    func allFaults() {
        let text = """
            {
              "version": 4,
              "flows": {
                "default": {
                  "collector": { "consnet": {} },
                  "destinations": {
                    "a": {
                      "package": "@walkeros/server-destination-radis",
                      "config": {}
                    },
                    "b": {
                      "package": "x",
                      "config": {
                        "mapping": {
                          "page": { "view": { "nam": "x", "data": { "map": { "v": 5 } } } }
                        },
                        "policy": { "user.ip": { "fn": "$code:(v) => v" } }
                      },
                      "before": "redact"
                    }
                  }
                }
              }
            }
            """
        #expect(
            faults(text) == [
                "flow.json:5:22: flows.default.collector.consnet: unknown member of \"collector\"; did you mean \"consent\"?",
                "flow.json:8:11: flows.default.destinations.a.package: unknown package \"@walkeros/server-destination-radis\"; known are x, p",
                "flow.json:15:35: flows.default.destinations.b.config.mapping.page.view.nam: unknown member of a mapping rule; did you mean \"name\"?",
                "flow.json:15:66: flows.default.destinations.b.config.mapping.page.view.data.map.v: a constant is written {\"value\": 5}; alone it would give nothing",
                "flow.json:17:38: flows.default.destinations.b.config.policy.user.ip.fn: JavaScript cannot run here; known functions are \(MappingFunctions.standard.names.joined(separator: ", "))",
                "flow.json:19:11: flows.default.destinations.b.before: there is no transformer \"redact\"; there are none",
            ]
        )
    }

    @Test("a syntax error names line and column")
    func syntax() {
        #expect(faults("{\n  \"version\": 4,\n}").first?.hasPrefix("flow.json:3:1: ") == true)
        #expect(faults("[]") == ["flow.json:1:1: a flow file is a JSON object"])
    }

    @Test("secrets come from the environment or a file, and are known for redaction")
    func secrets() throws {
        let text = #"""
            {"version":4,"flows":{"d":{"destinations":{"a":{"package":"x","config":{"settings":
              {"token":"$secret.TOKEN","header":"Bearer $secret.OTHER"}}}}}}}
            """#
        let flow = try flow(
            text,
            environment: ["TOKEN": "t0k3n", "OTHER_FILE": "/run/other"],
            files: ["/run/other": "0th3r\n"]
        )
        let settings = flow.destinations[0].registration.configuration.settings
        #expect(settings == ["token": "t0k3n", "header": "Bearer 0th3r"])
        #expect(flow.secrets == ["t0k3n", "0th3r"])
        let missing = faults(text)
        #expect(missing.count == 2)
        #expect(missing[0].contains("Secret \"TOKEN\" not found: set TOKEN, or TOKEN_FILE"))
    }

    @Test("step variables win over the flow's, the flow's over the file's")
    func scopes() throws {
        let flow = try flow(
            #"""
            {"version":4,"variables":{"a":1,"b":1,"c":1},"flows":{"d":{"variables":{"b":2,"c":2},"destinations":
              {"x":{"package":"x","variables":{"c":3},"config":{"settings":["$var.a","$var.b","$var.c"]}}}}}}
            """#
        )
        #expect(flow.destinations[0].registration.configuration.settings == [1, 2, 3])
    }

    @Test("the collector block becomes options")
    func collectorBlock() throws {
        let flow = try flow(
            #"""
            {"version":4,"flows":{"shop":{"collector":{"run":false,"consent":{"m":true},"user":{"id":"u"},
              "globals":{"g":1},"globalsStatic":{"s":1},"custom":{"c":1},"queueMax":5,"release":"1.2",
              "logger":{"level":"DEBUG"}}}}}
            """#
        )
        #expect(flow.options.name == "shop")
        #expect(flow.options.run == false)
        #expect(flow.options.consent == ["m": true])
        #expect(flow.options.maximumQueueCount == 5)
        #expect(flow.options.release == "1.2")
        #expect(flow.logLevel == "debug")
    }

    @Test("packages may carry a version, and entries may be disabled or mocked")
    func entries() throws {
        let flow = try flow(
            #"""
            {"version":4,"flows":{"d":{"destinations":{
              "a":{"package":"p@4.4.0","disabled":true},"b":{"package":"x","mock":{"ok":1}}}}}}
            """#
        )
        #expect(flow.destinations[0].registration.configuration.isDisabled)
        #expect(flow.destinations[1].registration.configuration.mock == ["ok": 1])
    }
}
