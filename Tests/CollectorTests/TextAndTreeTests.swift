import EventJSON
import TestSupport
import Testing

@testable import Collector

/// What is done to an event's text must be what would be done to its tree.
@Suite("Text and tree")
struct TextAndTreeTests {
    private static let mapping = "walkeros/mapping.json"

    /// An event of this text, and the same event with every member a tree.
    private func twins(_ text: JSONValue) throws -> (text: Event, tree: Event) {
        let event = try Event(jsonText: text.jsonText)
        var tree = event
        for member in EventMember.allCases where !event[member].isMissing { tree[member] = event[member] }
        return (event, tree)
    }

    @Test("paths set", arguments: Fixtures.vectors(mapping, kind: "setByPath"))
    func set(_ vector: Vector) throws {
        var (text, tree) = try twins(["data": vector.input["object"], "custom": [:]])
        let path = MemberPath("data." + (vector.input["path"].string ?? ""))
        for value in [vector.input["value"], "x", 1.5, nil, .missing, ["a": 1], "\u{1F600}\"\\\n"] {
            path.set(value, in: &text)
            path.set(value, in: &tree)
            #expect(String(decoding: text.json, as: UTF8.self) == String(decoding: tree.json, as: UTF8.self))
            #expect(path.value(in: text) == path.value(in: tree))
        }
    }

    @Test(
        "members set",
        arguments: [
            #"{}"#, #"{"a":1}"#, #"{"a":{"b":2},"c":[1,{"d":null}]}"#, #"{"7":1,"a":2}"#, #"{"a":null}"#, #"[1,2]"#,
            #""x""#,
            #"{"e\u0301":1,"\"":{"b":"\\"}}"#,
        ]
    )
    func members(_ data: String) throws {
        let paths = [
            "a", "a.b", "a.b.c", "c.1.d", "c.0", "7", "3", "a.7", "x", "", "a.", "\"", "\".b", "e\u{301}", "c.*",
        ]
        for name in paths {
            for value in [JSONValue.string("v"), 1, true, nil, .missing, .number(JSONNumber(.infinity))] {
                var (text, tree) = try twins(["data": JSONValue(jsonText: data)])
                let path = MemberPath("data." + name)
                path.set(value, in: &text)
                path.set(value, in: &tree)
                #expect(String(decoding: text.json, as: UTF8.self) == String(decoding: tree.json, as: UTF8.self))
                path.set("again", in: &text)
                path.set("again", in: &tree)
                #expect(String(decoding: text.json, as: UTF8.self) == String(decoding: tree.json, as: UTF8.self))
            }
        }
    }

    /// The event with all fifteen members, as a collector completes it: only such are mapped as text.
    private func complete(_ event: JSONValue) -> JSONValue {
        var members: JSONObject = [
            "name": "product view", "data": [:], "context": [:], "globals": [:], "custom": [:], "user": [:],
            "nested": [], "consent": [:], "id": "0123456789abcdef", "trigger": "", "entity": "product",
            "action": "view", "timestamp": 1_700_000_000_000, "timing": 3.14, "source": ["count": 1],
        ]
        for member in event.object ?? [:] { members[member.name] = member.value }
        return .object(members)
    }

    /// Maps both twins and compares; true if text sufficed.
    private func compare(_ mapping: Mapping, _ event: JSONValue) throws -> Bool {
        let (text, tree) = try twins(event)
        let fromText = mapping.map(text, consent: [:], nowMilliseconds: 0)
        let fromTree = mapping.map(tree, consent: [:], nowMilliseconds: 0)
        let written = [fromText, fromTree].map { String(decoding: $0.event.json, as: UTF8.self) }
        #expect(written[0] == written[1])
        #expect(fromText.data.text == fromTree.data.text)
        #expect(String(decoding: fromText.content.json, as: UTF8.self) == fromTree.data.text)
        #expect(fromText.ruleKey == fromTree.ruleKey)
        #expect(fromText.isIgnored == fromTree.isIgnored)
        #expect(fromText.isConsentDenied == fromTree.isConsentDenied)
        #expect(fromText.failureCount == fromTree.failureCount)
        #expect(tree.wholeText == nil)
        guard let whole = text.wholeText else { return false }
        var mapped = TextMapping(mapping.content, event: text, text: whole, consent: [:], nowMilliseconds: { 0 })
        return mapped.map() != nil
    }

    @Test("whole events", arguments: Fixtures.vectors(mapping, kind: "process"))
    func map(_ vector: Vector) throws {
        var problems = ConfigurationProblems()
        let mapping = Mapping(vector.input["config"].object ?? [:], problems: &problems)
        #expect(try compare(mapping, vector.input["event"]) == false || vector.input["event"].object?.count == 15)
        _ = try compare(mapping, complete(vector.input["event"]))
    }

    @Test("random mappings of random events")
    func randomMappings() throws {
        var random = RandomMapping(seed: 7)
        var textCount = 0
        for _ in 0..<4000 {
            var problems = ConfigurationProblems()
            let configuration = random.configuration()
            let mapping = Mapping(configuration, problems: &problems)
            let event = complete(random.event())
            if try compare(mapping, event) { textCount += 1 }
        }
        // If text hardly ever sufficed, little would have been compared.
        #expect(textCount > 2000)
    }

    @Test(
        "loops",
        arguments: [
            #"[]"#, #"[{"id":1},{"id":"2","x":[1]}]"#, #"[{"id":1},null]"#, #"[{"id":"null"},3]"#, #"{"id":1}"#,
            #""x""#,
            #"[[{"id":1}],{"id":{"id":null}}]"#,
        ]
    )
    func loops(_ nested: String) throws {
        let (text, tree) = try twins(["name": "a b", "nested": JSONValue(jsonText: nested)])
        for item: JSONValue in [
            "id", ["map": ["i": "id", "j": "0.id"]], ["key": "id", "value": "none"], ["value": 1],
            ["set": ["id", "x"]],
            ["condition": ["key": "value.id", "operator": "exists"], "key": "id"], ["loop": ["x", ["value": true]]], "",
        ] {
            let mapping = try Mapping(["data": ["loop": ["nested", item]]])
            let results = [text, tree].map { mapping.map($0, consent: [:], nowMilliseconds: 0) }
            #expect(results[0].data.text == results[1].data.text)
            #expect(results[0].failureCount == results[1].failureCount)
        }
    }

    @Test(
        "consent",
        arguments: [#"{}"#, #"{"a":true}"#, #"{"a":true,"b":true}"#, #"{"a":false,"b":true}"#, #"{"b":1}"#, #"[]"#]
    )
    func consent(_ states: String) throws {
        let own = try JSONValue(jsonText: states)
        for requirement in [ConsentRequirement([:]), ConsentRequirement(["a": true]), ConsentRequirement(["a": false])]
        {
            let looked = states.utf8.withContiguousStorageIfAvailable { bytes in
                requirement.isSatisfied(byTrueStates: JSONSlice(whole: bytes), in: bytes)
            }
            guard let answer = looked ?? nil else { continue }
            let granted = ConsentStates.granted(collector: [:], event: own.object ?? [:])
            #expect(answer == requirement.isSatisfied(by: granted))
            #expect(granted == own.object)
        }
    }
}
