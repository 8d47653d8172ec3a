import EventJSON
import Testing

@Suite("JSON text")
struct JSONTextTests {
    @Test("numbers keep their text", arguments: ["0.1", "1e21", "12345678901234567890", "-0", "1.0", "1E400", "0e1"])
    func numbersKeepTheirText(_ text: String) throws {
        #expect(try JSONValue(jsonText: text).jsonText == Array(text.utf8))
    }

    @Test(
        "written text is what JSON.stringify writes",
        arguments: [
            (#" { "b" : 1 , "a" : [ 1 , "x" ] } "#, #"{"b":1,"a":[1,"x"]}"#),
            (#"{"b":1,"10":2,"9":3}"#, #"{"9":3,"10":2,"b":1}"#),
            (#"{"a":1,"b":2,"a":3}"#, #"{"a":3,"b":2}"#),
            (#""\u00e9\/\u0001\n""#, "\"é/\\u0001\\n\""),
            (#""\ud83d\ude00""#, "\"😀\""),
            ("\"\u{2028}\u{7f}\"", "\"\u{2028}\u{7f}\""),
        ]
    )
    func writtenText(_ text: String, _ expected: String) throws {
        #expect(String(decoding: try JSONValue(jsonText: text).jsonText, as: UTF8.self) == expected)
        #expect(canonical(text) == expected)
    }

    @Test("a lone surrogate passes untouched through canonical and loose text")
    func loneSurrogates() {
        #expect(canonical(#"{"a":"\ud800x"}"#) == #"{"a":"\ud800x"}"#)
        #expect(canonical(#"{ "a" : "\uD800x" }"#) == #"{"a":"\ud800x"}"#)
    }

    @Test(
        "the form of a text is known from one pass",
        arguments: [
            (#"{"a":[1,{"b":null}],"c":"\n"}"#, JSONSlice.Form.canonical),
            (#"{"1":0,"2":0,"a":0}"#, .canonical),
            (#"{"a": 1}"#, .loose),
            (#"{"a":"\/"}"#, .loose),
            (#"{"a":1,"a":2}"#, .disordered),
            (#"{"a":1,"1":2}"#, .disordered),
            (#"{"x":{"2":1,"1":2}}"#, .disordered),
            (#"{"x":{"a":1},"y":{"a":1}}"#, .canonical),
            (#"{"\u0061":1}"#, .disordered),
        ]
    )
    func form(_ text: String, _ expected: JSONSlice.Form) throws {
        let bytes = Array(text.utf8)
        let form = try bytes.withUnsafeBufferPointer { bytes in
            var scanner = try JSONScanner(bytes)
            return try scanner.scanValue().form
        }
        #expect(form == expected)
    }

    @Test("missing, null and a value are three states")
    func threeStates() throws {
        let value = try JSONValue(jsonText: #"{"a":null,"b":1}"#)
        #expect(value["a"].isNull)
        #expect(value["c"].isMissing)
        #expect(value["b"] == 1)
        var object = value.object ?? [:]
        object["d"] = .missing
        #expect(JSONValue.object(object).description == #"{"a":null,"b":1}"#)
        #expect(JSONValue.array([.missing, 1]).description == "[null,1]")
    }

    @Test("names are compared byte by byte, not by canonical equivalence")
    func exactNames() throws {
        let value = try JSONValue(jsonText: "{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.object?.count == 2)
    }

    @Test("objects with many members keep order and find every name")
    func manyMembers() throws {
        var object = JSONObject()
        for number in 0..<100 { object["m\(number)"] = .number(JSONNumber(number)) }
        object.remove("m50")
        object["7"] = true
        #expect(object.members.first?.name == "7")
        #expect(object["m99"] == 99)
        #expect(object["m50"].isMissing)
        #expect(object.count == 100)
    }

    @Test(
        "errors name the byte",
        arguments: [
            ("", JSONError(.unexpectedEnd, at: 0)),
            (#"{"a":01}"#, JSONError(.malformedNumber, at: 6)),
            (#"{"a":1,}"#, JSONError(.unexpectedByte, at: 7)),
            ("[1] x", JSONError(.trailingText, at: 4)),
            ("\"\u{1}\"", JSONError(.controlCharacter, at: 1)),
            (#""\x""#, JSONError(.malformedEscape, at: 1)),
            ("[[[[]]]]", JSONError(.tooDeep, at: 3)),
            ("[\"0123456789012345678901234567890\"]", JSONError(.tooLarge, at: 32)),
        ]
    )
    func errors(_ text: String, _ expected: JSONError) {
        #expect(throws: expected) {
            try JSONValue(jsonText: text, limits: JSONLimits(maximumByteCount: 32, maximumDepth: 3))
        }
    }

    @Test("null is found wherever it stands, and nowhere else")
    func nullIsFound() {
        for padding in 0..<20 {
            for tail in 0..<12 {
                for word in ["null", "nul", "ull", "nll", "llll", "nulnull", "nunull", "ll"] {
                    let text = Array(
                        (String(repeating: "l", count: padding) + word + String(repeating: "x", count: tail)).utf8
                    )
                    let found = text.withUnsafeBufferPointer {
                        JSONLookup($0).mayContainNull(
                            JSONSlice(start: 0, end: $0.count, kind: .array, form: .canonical)
                        )
                    }
                    #expect(found == word.contains("null"))
                }
            }
        }
    }

    private func canonical(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            guard var scanner = try? JSONScanner(bytes), let slice = try? scanner.scanValue() else { return nil }
            return String(decoding: JSONCanonicalizer.text(of: slice, in: bytes), as: UTF8.self)
        }
    }
}
