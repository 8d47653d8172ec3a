import EventJSON
import Testing

@testable import Collector

/// What conditions and functions look at comes from strangers: none takes more than linear time. Quadratic time over
/// 100 000 bytes would take minutes each, which the time limit stands for.
///
/// Expressions that would make others backtrack: `LinearExpressionsTests`.
@Suite("Linear time", .timeLimit(.minutes(3)))
struct LinearTimeTests {
    private static let functions: [JSONValue] = [
        "lowercase", "trim", "sha256", "number", "boolean", ["split": ","], ["replace": ["search": "aa", "with": "b"]],
        "urlHost", "urlPath", "anonymizeIP", "userAgent",
    ]

    /// Texts that make a search begin again and again.
    private static let texts = [
        "Version/1 ", "rv:1", "Windows NT 1_", "a", "aab", ",", " ", "://", "/", ":", "0", "1.", "e", "\u{E9}",
        "\u{301}",
    ]

    @Test("each function over texts that repeat what it looks for", arguments: functions.indices)
    func everyFunction(_ index: Int) throws {
        var problems = ConfigurationProblems()
        let mapping = Mapping(
            ["data": ["map": ["x": ["key": "data.x", "fn": [Self.functions[index]]]]]],
            problems: &problems
        )
        #expect(problems.isEmpty)
        for text in Self.texts {
            let long = String(repeating: text, count: 100_000 / text.utf8.count)
            let event = try Event(jsonText: JSONValue.object(["name": "a b", "data": ["x": .string(long)]]).jsonText)
            _ = mapping.map(event, consent: [:], nowMilliseconds: 0)
        }
    }

    @Test("a megabyte of versions of a browser that is not named", arguments: ["Version/1 ", "rv:1 "])
    func userAgent(_ text: String) throws {
        let mapping = try Mapping(["data": ["map": ["x": ["key": "data.x", "fn": ["userAgent"]]]]])
        let long = String(repeating: text, count: 1_000_000 / text.utf8.count)
        let event = try Event(jsonText: JSONValue.object(["name": "a b", "data": ["x": .string(long)]]).jsonText)
        let mapped = mapping.map(event, consent: [:], nowMilliseconds: 0)
        let user = try JSONValue(jsonText: mapped.content.json, limits: JSONLimits(maximumByteCount: 1 << 22))["x"]
        #expect(user["deviceType"] == "Desktop" && user["browserVersion"].isMissing)
    }

    @Test(
        "each condition over texts that nearly match",
        arguments: [
            ("regex", "^(a+)+b$"), ("regex", "(a|aa)*c"), ("regex", "(.*)(.*)(.*)x"), ("regex", "\\b(\\w+\\s?)*!$"),
            ("contains", "aaaaaaab"), ("suffix", "aaab"), ("gt", "5"), ("eq", "aaa"),
        ]
    )
    func everyCondition(_ name: String, _ value: String) throws {
        var problems = ConfigurationProblems()
        let condition: JSONValue = ["key": "data.x", "operator": .string(name), "value": .string(value)]
        let mapping = Mapping(
            ["data": ["map": ["x": ["condition": condition, "key": "name"]]]],
            problems: &problems
        )
        #expect(problems.isEmpty)
        let long = String(repeating: "a", count: 100_000)
        let event = try Event(jsonText: JSONValue.object(["name": "a b", "data": ["x": .string(long)]]).jsonText)
        let mapped = mapping.map(event, consent: [:], nowMilliseconds: 0)
        #expect(mapped.content.json == Array("{}".utf8) || mapped.content.json.isEmpty)
    }
}
