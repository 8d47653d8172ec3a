import Collector
import CollectorConfiguration
import CollectorHTTP
import Destinations
import EventJSON
import Foundation
import RedisStreamsDestination
import SQLiteDestination
import TestSupport
import Testing

/// Mutated flow files: nothing traps, and every fault has its place and a remedy.
@Suite("Mutated flow files", .timeLimit(.minutes(240)))
struct FlowFuzzTests {
    private static func seeds() throws -> [JSONValue] {
        let recorded = Fixtures.vectors("walkeros/flow.json").compactMap { vector -> JSONValue? in
            for name in ["config", "flow", "file"] where vector.input[name]["flows"].object != nil {
                return vector.input[name]
            }
            return vector.input["flows"].object == nil ? nil : vector.input
        }
        return try recorded + [JSONValue(jsonText: own)]
    }

    private static let own = #"""
        {"version":4,"variables":{"x":"y"},"contract":{"c":{"schema":{"type":"object","properties":{"data":{"pattern":"^a+$"}}}}},
         "flows":{"shop":{"config":{"platform":"server"},"variables":{"stream":"events"},
          "sources":{"http":{"package":"http","config":{"settings":{"paths":["/a",{"path":"/b","methods":["POST"]}],
            "cors":{"origin":["https://a"],"maxAge":5},"keys":[{"id":"k","key":"0123456789abcdef","rate":5,"tags":{"a":1}}]},
            "ingest":{"map":{"agent":"headers.user-agent"}}},"next":["check",{"case":[["*","finger"]]}]}},
          "transformers":{"check":{"package":"validate","config":{"settings":{"contract":"c"}}},
            "finger":{"package":"fingerprint","config":{"settings":{"fields":["user.id"],"output":"user.hash"}}}},
          "stores":{"s":{"package":"memory","config":{"settings":{"maxCount":5}}}},
          "destinations":{
            "redis":{"package":"redis","config":{"consent":{"a":true},"batch":{"wait":5,"size":2},"breaker":3,
              "retry":{"maxAttempts":3},"settings":{"redis":{"url":"redis://h:6379/1?db=2","streamKey":"$var.stream",
              "maxLen":10,"partitioning":{"count":8,"key":"user.id"}}},
              "mapping":{"page":{"view":{"name":"pv","settings":{"streamKey":"pages"},"data":{"map":{"a":"data.a"}}},
                "*":[{"condition":{"key":"data.x","operator":"gt","value":"3"},"ignore":true},{"consent":{"b":true}}]}}}},
            "file":{"package":"file","config":{"settings":{"filename":{"key":"globals.f"},"directory":"/tmp/x","format":"csv",
              "fields":["name"],"rotation":{"size":5,"age":5,"keep":2},"compress":"gzip","fsync":5,"mode":"0600"}}},
            "api":{"package":"api","config":{"settings":{"url":"https://h/p","headers":{"X":"$env.X"},"method":"POST"}}},
            "sqlite":{"package":"sqlite","config":{"settings":{"url":"file:/tmp/x.db"}}}}}}}
        """#

    private static let destinationTypes = [DestinationType.redis, .sqlite] + BuiltInDestinations.types

    @Test("are valid, or every fault has a line, a column and words")
    func mutated() throws {
        let seeds = try Self.seeds()
        #expect(seeds.count > 5)
        let texts = seeds.map { Array(JanssonText.write($0).utf8) }
        let run = try FuzzRun("flow", defaultCount: 2_500)
        var validCount = 0
        try run.run { generator in
            let place = generator.next(below: seeds.count)
            if generator.next(below: 3) == 0 {
                return ByteMutation.mutate(texts[place], tokens: ByteMutation.jsonTokens, with: &generator)
            }
            return Array(JanssonText.write(TreeMutation.mutate(seeds[place], with: &generator)).utf8)
        } attempt: { bytes, origin in
            do {
                let file = try FlowFile(text: bytes, name: "f")
                for name in file.serverFlowNames + ["none"] { try check(file, name) }
                validCount += 1
            } catch let error as FlowErrors {
                #expect(!error.faults.isEmpty, origin)
                for fault in error.faults {
                    #expect(fault.line >= 1 && fault.column >= 1 && !fault.message.isEmpty, origin)
                    #expect(!fault.message.contains("0123456789abcdef"), origin)
                }
            }
        }
        #expect(run.count < 1000 || validCount > run.count / 50)
    }

    private func check(_ file: FlowFile, _ name: String) throws {
        do {
            _ = try file.flow(
                named: name,
                environment: EnvironmentSource(["X": "1"]),
                destinationTypes: Self.destinationTypes,
                sourceTypes: [.express, .fetch]
            )
            _ = file.warnings(flow: name)
        } catch let error where name != "none" {
            throw error
        } catch {
            // No file has a flow of that name.
        }
    }

    @Test("nested as deeply as the reader lets through, by the program itself")
    func deep() async throws {
        for (opening, closing) in [(#"{"a":"#, "}"), ("[", "]")] {
            for count in [1_000, 2_030, 5_000, 200_000] {
                let nested = String(repeating: opening, count: count) + "1" + String(repeating: closing, count: count)
                for text in [
                    nested,
                    #"{"version":4,"flows":{"f":{"destinations":{"d":{"package":"console","config":{"data":\#(nested)}}}}}}"#,
                    #"{"version":4,"variables":{"x":\#(nested)},"flows":{"f":{"variables":\#(nested),"config":\#(nested)}}}"#,
                    #"{"version":4,"contract":{"c":{"schema":\#(nested)}},"flows":{"f":{}}}"#,
                ] {
                    let end = try await DaemonProcess.run(["validate", "-"], input: text)
                    #expect((0...2).contains(end.code), "\(opening) \(count): \(end.errors.prefix(300))")
                }
            }
        }
    }
}
