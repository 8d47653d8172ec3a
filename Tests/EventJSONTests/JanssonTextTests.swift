import EventJSON
import Testing

@Suite("jansson")
struct JanssonTextTests {
    @Test("keeps the order of members and reads every kind of value")
    func reads() throws {
        let value = try JanssonText.parse(#"{"b":1,"a":[true,null,"x\u0000y",1.5]}"#)
        #expect(value.description == #"{"b":1,"a":[true,null,"x\u0000y",1.5]}"#)
    }

    @Test(
        "errors name line and column",
        arguments: [
            ("{\n  \"a\": 1,\n}", 3),
            ("", 1),
            ("{\"a\":1,\n\"a\":2}", 2),
        ]
    )
    func errors(_ text: String, _ line: Int) {
        #expect { try JanssonText.parse(text) } throws: { ($0 as? JanssonText.SyntaxError)?.line == line }
    }

    @Test("writes indented text that reads back", arguments: ["0.1", "0.30000000000000004", "12345", "\"ü\"", "{}"])
    func writes(_ text: String) throws {
        let value: JSONValue = ["v": try JSONValue(jsonText: text)]
        let written = JanssonText.write(value)
        #expect(written.contains("\n  \"v\": \(text)") || text == "{}")
        #expect(try JanssonText.parse(written) == value)
    }

    @Test(
        "a path leads to its line and column",
        arguments: [
            (["b", "c", "1"], 4, 5),
            (["b"], 2, 3),
            (["b", "nothing"], 2, 8),
            (["x", "y"], 1, 1),
        ]
    )
    func locates(_ path: [String], _ line: Int, _ column: Int) {
        let text = Array("{\n  \"b\": {\n  \"c\": [1,\n    {}]\n}}".utf8)
        let place = JSONLocator.place(of: path, in: text)
        #expect(place?.line == line)
        #expect(place?.column == column)
    }
}
