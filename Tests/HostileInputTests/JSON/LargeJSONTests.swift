import EventJSON
import Foundation
import TestSupport
import Testing

/// JSON that is deep, long or made to collide. The suite's time limit stands for "in linear time": what took quadratic
/// time would take hours.
@Suite("Large JSON", .timeLimit(.minutes(2)))
struct LargeJSONTests {
    /// The object that holds the data counts, and the event around it.
    private static let levelsAround = 2
    /// Lets through events as large as a body may be.
    private static let largeEvents = #"{"maxEventSize":2000000}"#

    @Test("64 levels are taken, 65 are not, nor 2 048, 10^5 or 10^6, closed or not")
    func depth() async throws {
        let daemon = try await HostileDaemon.start()
        for (opening, closing) in [("[", "]"), (#"{"a":"#, "}")] {
            func text(_ count: Int, closes: Bool) -> [UInt8] {
                let inner = opening == "[" ? "" : "1"
                let end = closes ? String(repeating: closing, count: count) : ""
                return Array((String(repeating: opening, count: count) + inner + end).utf8)
            }
            let taken = try await daemon.post(JSONCase.event("deep", value: text(64 - Self.levelsAround, closes: true)))
                .status
            #expect(taken == 200)
            // A bracket is one byte, and 10^6 of them are a body that may be sent.
            let largest = opening == "[" ? 1_000_000 : 190_000
            for count in [65 - Self.levelsAround, 2_048, 100_000, largest] {
                for closes in [true, false] where !closes || count <= 100_000 {
                    let answer = try await daemon.post(JSONCase.event("deep", value: text(count, closes: closes)))
                    #expect(answer.status == 400)
                    #expect(answer.text.contains("nested too deeply"), "\(count): \(answer.text)")
                }
            }
            for count in [65, 2_048, 100_000, largest] {
                let answer = try await daemon.post(text(count, closes: false))
                #expect(answer.text.contains("nested too deeply"), "\(count): \(answer.text)")
            }
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("10 MB of escaped NUL are too large; as many as a body may have are delivered")
    func escapes() async throws {
        let daemon = try await HostileDaemon.start(collector: Self.largeEvents)
        func event(_ count: Int) -> [UInt8] {
            JSONCase.event("nul", value: Array(("\"" + String(repeating: #"\u0000"#, count: count) + "\"").utf8))
        }
        let tooLarge = try await HTTPExchange.send(
            HTTPExchange.request("POST", "/collect", headers: [("Content-Type", "text/plain")], body: event(1_700_000)),
            port: daemon.port
        )
        #expect(tooLarge.status == 413)
        #expect(try await daemon.post(event(174_000)).status == 200)
        let line = try #require(try daemon.lines("plain").last)
        #expect(line.contains(#""value":""# + String(repeating: #"\u0000"#, count: 174_000) + "\""))
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    /// Names in orders that an object could find hard.
    private static let names: [(String, @Sendable (Int) -> String)] = [
        ("one prefix", { "p" + String($0 + 46_656, radix: 36) }),
        ("index-like, descending", { String(99_999 - $0) }),
        ("index-like behind an ordinary one", { $0 == 0 ? "first" : String($0) }),
        ("index-like, alternating from both ends", { String($0.isMultiple(of: 2) ? $0 / 2 : 99_999 - $0 / 2) }),
        ("the same name", { _ in "same" }),
    ]

    @Test("1 000 members are taken, 1 001 and 10^5 are not, whatever their names", arguments: names.indices)
    func members(_ index: Int) async throws {
        let daemon = try await HostileDaemon.start(collector: Self.largeEvents)
        let name = Self.names[index].1
        func members(_ count: Int) -> String { (0..<count).map { "\"\(name($0))\":0" }.joined(separator: ",") }
        let most = "{\(members(1000))}"
        for value in [most, "[\(most),\(most)]"] {
            let answer = try await daemon.post(JSONCase.event("many", value: Array(value.utf8)))
            #expect(answer.status == 200, "\(Self.names[index].0): \(answer.text)")
        }
        for count in [1001, 100_000] {
            let more = "{\(members(count))}"
            for value in [more, "[\(more)]"] {
                let answer = try await daemon.post(JSONCase.event("many", value: Array(value.utf8)))
                #expect(answer.status == 400)
                #expect(answer.text.contains("too many members"), "\(Self.names[index].0): \(answer.text)")
            }
            // The members of the event itself, and of what stands in the place of an object that is looked into.
            for body in [more, #"{"name":"page view","source":\#(more)}"#, "[\(more)]"] {
                #expect(try await daemon.post(Array(body.utf8)).status == 400)
            }
        }
        let line = try #require(try daemon.lines("plain").first)
        let delivered = try JSONValue(jsonText: line)["data"]["value"].object
        #expect(delivered?.count == (index == 4 ? 1 : 1000))
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("numbers of 200 000 digits, arrays of 10^5 elements")
    func long() async throws {
        let daemon = try await HostileDaemon.start(collector: Self.largeEvents)
        let digits = String(repeating: "7", count: 200_000)
        let elements = (0..<100_000).map { "{\"a\":\($0 % 10)}" }.joined(separator: ",")
        for value in [digits, "0.\(digits)", "1e\(digits)", "\"\(digits)\"", "[\(elements)]"] {
            let answer = try await daemon.post(JSONCase.event("long", value: Array(value.utf8)))
            #expect(answer.status == (value.utf8.count > 1_048_000 ? 413 : 200), "\(answer.text)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
