import EventJSON
import Foundation
import TestSupport
import Testing

/// Bad JSON, and good JSON of bad intent, sent to the real daemon: as a whole body and as a value inside an event.
///
/// What the parser alone makes of it: `EventJSONTests/JSONTestSuiteTests`.
@Suite("JSON over the wire", .timeLimit(.minutes(2)))
struct JSONOverTheWireTests {
    /// What a whole body of valid JSON that holds no event is refused with: sentences about events, not about JSON.
    private static let eventRefusals = [
        "Event name is required", "Event name is invalid", "Event must be an object", "a JSON body must be an object",
    ]

    private struct Outcome: Sendable {
        let name: String
        let status: Int
        let text: String
    }

    /// Posts each body and gives the answers.
    private func answers(_ daemon: HostileDaemon, _ bodies: [(name: String, bytes: [UInt8])]) async throws -> [Outcome]
    {
        try await daemon.converse { connection in
            try bodies.map { body in
                let answer = try connection.post(body.bytes)
                return Outcome(name: body.name, status: answer.status, text: answer.text)
            }
        }
    }

    /// The text of `data.value` in the delivered events, by their ids.
    private func delivered(_ daemon: HostileDaemon) throws -> [String: String] {
        var values: [String: String] = [:]
        for line in try daemon.lines("plain") {
            guard let start = line.firstRange(of: #""value":"#), let end = line.firstRange(of: #"},"context":{}"#)
            else { continue }
            let id = try JSONValue(jsonText: line)["id"].string ?? ""
            #expect(values.updateValue(String(line[start.upperBound..<end.lowerBound]), forKey: id) == nil)
        }
        return values
    }

    @Test("our own cases: refused with 400 and the byte at fault, or delivered as the text they are")
    func ownCases() async throws {
        let daemon = try await HostileDaemon.start()
        let cases = try JSONCase.own()
        #expect(cases.count >= 120)
        let bodies = cases.map { (name: $0.name, bytes: JSONCase.event($0.name, value: $0.bytes)) }
        let outcomes = try await answers(daemon, bodies)
        let values = try delivered(daemon)
        for (outcome, expected) in zip(outcomes, cases) {
            #expect(outcome.status == expected.status, "\(expected.name): \(outcome.text)")
            #expect(outcome.text.contains(" at byte ") == (expected.status == 400), "\(expected.name): \(outcome.text)")
            #expect(values[expected.name].map { Array($0.utf8) } == expected.delivered, "\(expected.name)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("JSONTestSuite as whole bodies", .enabled(if: JSONTestSuite.isHere, "COLLECTOR_VECTORS names no folder"))
    func suiteAsBodies() async throws {
        let daemon = try await HostileDaemon.start()
        let golden = try Fixtures.json("hostile/json/undecided.json")
        let (good, bad, undecided) = try (
            JSONTestSuite.files("y_"), JSONTestSuite.files("n_"), JSONTestSuite.files("i_")
        )
        #expect((good.count, bad.count, undecided.count) == (95, 188, 35))
        for outcome in try await answers(daemon, good) {
            // An empty list is a list of no event that was not delivered.
            let isEmptyList = outcome.status == 200 && outcome.text.contains(#""processed":0"#)
            let isRefused =
                outcome.status == 400 && Self.eventRefusals.contains(where: outcome.text.contains)
                && !outcome.text.contains(" at byte ")
            #expect(isEmptyList || isRefused, "\(outcome.name): \(outcome.text)")
        }
        for outcome in try await answers(daemon, bad) {
            // A body of no byte is an event without a name.
            let isJSON = outcome.text.contains(" at byte ") || outcome.name == "n_structure_no_data"
            #expect(outcome.status == 400 && isJSON, "\(outcome.name): \(outcome.text)")
        }
        for outcome in try await answers(daemon, undecided) {
            let isJSON = !outcome.text.contains(" at byte ")
            #expect(outcome.status == 400, "\(outcome.name): \(outcome.text)")
            #expect(golden[outcome.name]["isJSON"] == .bool(isJSON), "\(outcome.name): \(outcome.text)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test(
        "JSONTestSuite as values inside events",
        .enabled(if: JSONTestSuite.isHere, "COLLECTOR_VECTORS names no folder")
    )
    func suiteAsValues() async throws {
        let daemon = try await HostileDaemon.start()
        let golden = try Fixtures.json("hostile/json/undecided.json")
        let good = try JSONTestSuite.files("y_")
        let undecided = try JSONTestSuite.files("i_")
        func events(_ files: [(name: String, bytes: [UInt8])]) -> [(name: String, bytes: [UInt8])] {
            files.map { ($0.name, JSONCase.event($0.name, value: $0.bytes)) }
        }
        for outcome in try await answers(daemon, events(good)) {
            #expect(outcome.status == 200, "\(outcome.name): \(outcome.text)")
        }
        for outcome in try await answers(daemon, events(JSONTestSuite.files("n_"))) {
            #expect(outcome.status == 400, "\(outcome.name): \(outcome.text)")
            #expect(outcome.text.contains(" at byte "), "\(outcome.name): \(outcome.text)")
        }
        for outcome in try await answers(daemon, events(undecided)) {
            #expect(golden[outcome.name]["status"].number?.integer == outcome.status, "\(outcome.name)")
        }
        let values = try delivered(daemon)
        for file in good {
            let expected = try JSONValue(jsonText: file.bytes).text
            #expect(values[file.name] == expected, "\(file.name)")
        }
        for file in undecided {
            #expect(values[file.name] == golden[file.name]["delivered"].string, "\(file.name)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
