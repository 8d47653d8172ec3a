import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// The tools of the program, as processes.
@Suite("collectord's tools", .timeLimit(.minutes(2)))
struct CommandTests {
    private let directory: TemporaryDirectory
    private let flow: String

    init() throws {
        directory = try TemporaryDirectory()
        flow = directory.path + "/flow.json"
        try write(
            "flow.json",
            #"""
            {
              "version": 4,
              "flows": {
                "shop": {
                  "sources": { "http": { "package": "http" } },
                  "destinations": {
                    "redis": {
                      "package": "redis",
                      "config": {
                        "consent": { "analytics": true },
                        "settings": { "redis": { "streamKey": "events", "maxLen": 100 } },
                        "mapping": { "order": { "complete": { "name": "purchase" } }, "debug": { "*": { "ignore": true } } }
                      },
                      "examples": {
                        "order": {
                          "consent": { "analytics": true },
                          "in": { "name": "order complete", "data": { "total": 42 } },
                          "out": [["xadd", "events", "MAXLEN", "~", "100", "*", "event", { "name": "purchase", "data": { "total": 42 } }]]
                        }
                      }
                    }
                  }
                }
              }
            }
            """#
        )
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: directory.path + "/" + name))
    }

    @Test("validate: 0 for a good file, 1 with every fault for a bad one")
    func validate() async throws {
        let good = try await DaemonProcess.run(["validate", flow])
        #expect(good.code == 0)
        #expect(good.output.contains("flow \"shop\" is valid"))
        try write(
            "bad.json",
            #"{"version":4,"flows":{"d":{"destinations":{"a":{"package":"redis","config":{"settings":{"redis":{"maxLen":"x"}},"polcy":{}}}}}}}"#
        )
        let bad = try await DaemonProcess.run(["validate", directory.path + "/bad.json"])
        #expect(bad.code == 1)
        #expect(bad.errors.contains("redis.streamKey missing"), "\(bad.errors)")
        #expect(bad.errors.contains("maxLen"))
        #expect(bad.errors.contains("did you mean \"policy\"?"))
        let missing = try await DaemonProcess.run(["validate", directory.path + "/none.json"])
        #expect(missing.code == 1)
        #expect(missing.errors.contains("none.json"))
    }

    @Test("validate looks at every flow for servers, and warns of what is hardly meant so")
    func validateAll() async throws {
        let text = #"""
            {"version":4,"contract":{"c":{"schema":{"required":["consent"]}}},"flows":{
              "site":{"config":{"platform":"web"}},
              "a":{"destinations":{"x":{"package":"console","examples":{"e":{"in":{"name":"page view"}}}}}},
              "b":{"sources":{"http":{"package":"http"}}}}}
            """#
        try write("several.json", text)
        let path = directory.path + "/several.json"
        let all = try await DaemonProcess.run(["validate", path])
        #expect(all.code == 0, "\(all.errors)")
        #expect(all.output.contains("flow \"a\" is valid"))
        #expect(all.output.contains("flow \"b\" is valid"))
        #expect(all.output.contains("warning: \(path):3:"), "\(all.output)")
        #expect(all.output.contains("breaks the contract \"c\": #: \"consent\" is required"))
        #expect(try await DaemonProcess.run(["validate", path, "--strict"]).code == 2)
        #expect(try await DaemonProcess.run(["validate", path, "--strict", "--flow", "b"]).code == 0)
    }

    @Test("validate looks at events, mappings and contracts alone")
    func validateParts() async throws {
        func run(_ type: String, _ text: String, _ more: String...) async throws -> (code: Int32, output: String) {
            let result = try await DaemonProcess.run(["validate", "-", "--type", type] + more, input: text)
            return (result.code, result.output)
        }
        let good = try await run("event", #"{"name":"page view"}"#)
        #expect(good.code == 0)
        #expect(good.output == "warning: -: consent: No consent object provided\n-: the event is valid\n")
        #expect(try await run("event", #"{"name":"page view"}"#, "--strict").code == 2)
        #expect(try await run("event", #"{"name":"page"}"#).code == 1)
        #expect(try await run("event", #"{"name":"page"}"#, "--level", "minimal").code == 0)
        let report = try await run("mapping", #"{"page":{"view":{"nam":"x"}}}"#, "--json")
        #expect(report.code == 1)
        #expect(try JSONValue(jsonText: report.output.trimmed)["errors"][0]["path"] == "page.view.nam")
        let contract = try await run("contract", #"{"a":{"schema":{"type":"objct"}}}"#)
        #expect(contract.code == 1)
        #expect(contract.output.hasPrefix("-: a.schema.type: "))
        #expect(try await run("event", "{").code == 1)
    }

    @Test("simulate shows the exact command, what waits for consent and what is left out")
    func simulate() async throws {
        let event = #"{"name":"order complete","data":{"total":42},"id":"a","timestamp":1,"timing":2}"#
        let held = try await DaemonProcess.run(["simulate", flow, "--event", "-"], input: event)
        #expect(held.code == 0, "\(held.errors)")
        #expect(try JSONValue(jsonText: held.output.trimmed)["destinations"]["redis"]["waitingForConsent"] == 1)
        let sent = try await DaemonProcess.run(
            ["simulate", flow, "--event", "-", "--consent", #"{"analytics":true}"#],
            input: event
        )
        let command = try JSONValue(jsonText: sent.output.trimmed)["destinations"]["redis"]["commands"][0].array ?? []
        #expect(command.prefix(7).map(\.string) == ["XADD", "events", "MAXLEN", "~", "100", "*", "event"])
        let text = command.last?.string ?? ""
        #expect(text.hasPrefix(#"{"name":"purchase","data":{"total":42},"context":{}"#))
        let ignored = try await DaemonProcess.run(
            ["simulate", flow, "--event", "-", "--consent", #"{"analytics":true}"#],
            input: #"{"name":"debug noise"}"#
        )
        #expect(try JSONValue(jsonText: ignored.output.trimmed)["destinations"]["redis"]["ignored"] == 1)
        let invalid = try await DaemonProcess.run(["simulate", flow, "--event", "-"], input: #"{"name":"x"}"#)
        #expect(invalid.code == 1)
        #expect(invalid.output.contains("Event name is invalid"))
    }

    @Test("test runs examples and test files, and fails when a destination gets something else")
    func tests() async throws {
        let examples = try await DaemonProcess.run(["test", flow])
        #expect(examples.code == 0, "\(examples.output)\(examples.errors)")
        #expect(examples.output.contains("1 passed, 0 failed"))
        let expectation = #""expect":{"redis":[["XADD","events","MAXLEN","~","100","*","event",{"name":"NAME"}]]}"#
        let file = #"""
            {"flow":"flow.json","tests":[
              {"name":"order","consent":{"analytics":true},"event":{"name":"order complete"},EXPECT},
              {"name":"nothing without consent","event":{"name":"order complete"},"expect":{"redis":[]}}]}
            """#
        try write("good.json", file.replacing("EXPECT", with: expectation.replacing("NAME", with: "purchase")))
        try write("wrong.json", file.replacing("EXPECT", with: expectation.replacing("NAME", with: "order")))
        let good = try await DaemonProcess.run(["test", directory.path + "/good.json"])
        #expect(good.code == 0, "\(good.output)\(good.errors)")
        let wrong = try await DaemonProcess.run(["test", directory.path + "/wrong.json"])
        #expect(wrong.code == 1)
        #expect(wrong.output.contains("FAILED"))
        #expect(wrong.output.contains("1 passed, 1 failed"))
    }

    @Test("destinations and version say what there is")
    func lists() async throws {
        let destinations = try await DaemonProcess.run(["destinations"])
        for name in ["redis", "api", "file", "console", "memory", "@walkeros/server-source-express"] {
            #expect(destinations.output.contains(name))
        }
        #expect(try await DaemonProcess.run(["version"]).output == "collectord 0.1.0\n")
    }

    @Test("the shipped schema is the one that the program prints")
    func schema() async throws {
        let printed = try await DaemonProcess.run(["schema"]).output
        let shipped = try String(
            contentsOf: Fixtures.packageRoot.appending(path: "schema/flow.schema.json"),
            encoding: .utf8
        )
        #expect(printed == shipped, "run: make schema")
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
