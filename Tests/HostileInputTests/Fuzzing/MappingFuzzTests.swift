import EventJSON
import TestSupport
import Testing

@testable import Collector

/// Mutated mappings over mutated events: nothing traps, and what comes out is JSON.
@Suite("Mutated mappings", .timeLimit(.minutes(240)))
struct MappingFuzzTests {
    /// Recorded mappings with their events, and some that use what the recordings do not.
    private static func seeds() -> [JSONValue] {
        let recorded = Fixtures.vectors("walkeros/mapping.json", kind: "process").map { vector -> JSONValue in
            ["config": vector.input["config"], "event": vector.input["event"]]
        }
        let functions: [JSONValue] = [
            "lowercase", "uppercase", "trim", "sha256", "md5", ["hmacSha256": ["secret": "s"]], "number", "string",
            "boolean",
            ["round": 2], ["join": "|"], ["split": ","], ["replace": ["search": "a", "with": "b"]], ["default": 1],
            "now",
            "isoTime", "urlHost", "urlPath", "anonymizeIP", "queryString", "userAgent",
        ]
        let texts: [JSONValue] = [
            "https://user:pass@example.com:8080/a/b?c=d#e", "192.168.1.77", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1",
            1_700_000_000_000,
            -62_167_219_200_001, 1e300, "a,b,,c", [1, "x", nil, [2]], ["a": ["b": 1]], nil, "", "0x1F", "1e5",
        ]
        let own = functions.map { function -> JSONValue in
            [
                "config": [
                    "policy": ["custom.a.b": ["key": "data.list.0", "fn": [function]]],
                    "data": ["map": ["all": ["loop": ["data.list", ["key": "this", "fn": [function, "string"]]]]]],
                    "include": ["all"], "consent": ["a": true],
                    "mapping": ["page": ["view": ["data": ["key": "data.list.3", "fn": [function]], "batch": 5]]],
                ],
                "event": ["name": "page view", "consent": ["a": true], "data": ["list": .array(texts)]],
            ]
        }
        return recorded + own
    }

    /// The event with all fifteen members, as a collector completes it: only such are mapped as text.
    private func complete(_ event: JSONValue) -> JSONValue {
        var members: JSONObject = [
            "name": "page view", "data": [:], "context": [:], "globals": [:], "custom": [:], "user": [:], "nested": [],
            "consent": [:], "id": "0123456789abcdef", "trigger": "", "entity": "page", "action": "view", "timestamp": 1,
            "timing": 1, "source": ["count": 1],
        ]
        for member in event.object ?? [:] where !member.value.isMissing { members[member.name] = member.value }
        return .object(members)
    }

    @Test("make JSON of any event, or leave it out")
    func mutated() throws {
        let seeds = Self.seeds()
        #expect(seeds.count > 60)
        let run = try FuzzRun("mapping", defaultCount: 6_000)
        var mappedCount = 0
        try run.run { generator in
            let (first, second) = (generator.one(of: seeds), generator.one(of: seeds))
            var pair: JSONObject = ["config": first["config"], "event": second["event"]]
            if generator.next(below: 2) == 0 { pair["event"] = first["event"] }
            if generator.next(below: 4) > 0 { pair["config"] = TreeMutation.mutate(pair["config"], with: &generator) }
            if generator.next(below: 4) > 0 { pair["event"] = TreeMutation.mutate(pair["event"], with: &generator) }
            return JSONValue.object(pair).jsonText
        } attempt: { bytes, origin in
            let pair = try JSONValue(jsonText: bytes, limits: JSONLimits(maximumDepth: 500))
            var problems = ConfigurationProblems()
            let mapping = Mapping(pair["config"].object ?? [:], problems: &problems)
            for problem in problems.list { #expect(!problem.message.isEmpty, origin) }
            for event in [pair["event"], complete(pair["event"])] where event.object != nil {
                let original = try Event(jsonText: event.jsonText)
                let mapped = mapping.map(original, consent: ["marketing": true], nowMilliseconds: 1_700_000_000_000)
                mappedCount += 1
                let limits = JSONLimits(maximumByteCount: 1 << 24, maximumDepth: 1000)
                _ = try JSONValue(jsonText: mapped.event.json, limits: limits)
                let content = mapped.content.json
                if !content.isEmpty { _ = try JSONValue(jsonText: content, limits: limits) }
                #expect(String(decoding: content, as: UTF8.self) == mapped.data.text, origin)
            }
        }
        #expect(mappedCount >= run.count)
    }
}
