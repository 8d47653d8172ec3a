import Collector
import EventJSON
import Testing

@testable import Destinations

@Suite("api: templates")
struct APITemplateTests {
    private func fill(_ text: String, _ use: APITemplate.Use, _ members: JSONObject) throws -> String {
        String(decoding: try APITemplate(text, use).fill(try event(members)), as: UTF8.self)
    }

    private func problem(_ text: String, _ use: APITemplate.Use, _ members: JSONObject = [:]) -> String? {
        do {
            _ = try fill(text, use, members)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "values in a URL are percent-encoded",
        arguments: [
            ("/a/{{data.x}}/b", "x y", "/a/x%20y/b"),
            ("/{{data.x}}", "a/b?c#d&e=f", "/a%2Fb%3Fc%23d%26e%3Df"),
            ("/{{data.x}}", "ü€😀", "/%C3%BC%E2%82%AC%F0%9F%98%80"),
            ("/{{data.x}}", "%2e%2e", "/%252e%252e"),
            ("/{{data.x}}", "a\r\nHost: b", "/a%0D%0AHost%3A%20b"),
            ("/{{data.x}}", "\0", "/%00"),
            ("/{{data.x}}", "Aa0-._~", "/Aa0-._~"),
            ("/{{data.x}}", "..a", "/..a"),
            ("/?q={{data.x}}", "../..", "/?q=..%2F.."),
            ("/?q={{data.x}}&r={{ data.x }}", "1+1", "/?q=1%2B1&r=1%2B1"),
            ("/{{data.none|a b}}", "", "/a%20b"),
            ("/{{data.none | all }}", "", "/all"),
            ("/{{data.none|}}", "", "/"),
            ("/{{data.x|none}}", "", "/none"),
            ("/{{data.none|a|b}}", "", "/a%7Cb"),
        ]
    )
    func url(template: String, value: String, expected: String) throws {
        #expect(try fill(template, .target, ["data": ["x": .string(value)]]) == expected)
    }

    @Test("numbers, booleans and members of any depth")
    func kinds() throws {
        let members: JSONObject = ["data": ["n": 4.5, "b": true, "list": [1, ["k": "v"]]], "user": ["id": "u"]]
        let text = try fill("/{{data.n}}/{{data.b}}/{{data.list.0}}/{{data.list.1.k}}/{{user.id}}", .target, members)
        #expect(text == "/4.5/true/1/v/u")
    }

    @Test(
        "no value leads to another place",
        arguments: [".", "..", "../x", "x/..", "a/./b", "..\\x", "x\\..", "/..", "../"]
    )
    func steps(value: String) throws {
        let reason = problem("/{{data.x}}", .target, ["data": ["x": .string(value)]])
        #expect(reason == "data.x holds the step \".\" or \"..\", which would lead to another place")
    }

    @Test("what is missing, null, or an array or object is told, without the value")
    func missing() throws {
        let hint = " is missing in the event; {{data.x|text}} gives a default"
        #expect(problem("/{{data.x}}", .target) == "data.x" + hint)
        #expect(problem("/{{data.x}}", .target, ["data": ["x": nil]]) == "data.x" + hint)
        #expect(problem("/{{data.x}}", .target, ["data": ["x": ""]]) == "data.x" + hint)
        #expect(problem("{{data.x}}", .header) == "data.x" + hint)
        #expect(problem("{{data.x}}", .header, ["data": ["x": ""]]) == nil)
        #expect(problem("{{data.x}}", .json) == "data.x" + hint)
        #expect(
            problem("/{{data.x}}", .target, ["data": ["x": [1]]]) == "data.x is no text, number or boolean but array"
        )
        #expect(
            problem("{{data.x}}", .header, ["data": ["x": ["s": "t"]]])
                == "data.x is no text, number or boolean but object"
        )
    }

    @Test("control characters stay out of header fields", arguments: ["a\r\nb", "a\nb", "\0", "\u{1B}[31m", "\u{7F}"])
    func headerControls(value: String) throws {
        let reason = problem("Bearer {{data.x}}", .header, ["data": ["x": .string(value)]])
        #expect(reason == "data.x holds a control character, which no header field may")
    }

    @Test("a header field takes any other text")
    func header() throws {
        #expect(try fill("v={{data.x}};{{data.n}}", .header, ["data": ["x": "ü \"q\"", "n": 1]]) == "v=ü \"q\";1")
    }

    @Test("JSON: values where values stand, escaped text where text stands")
    func json() throws {
        let members: JSONObject = [
            "data": ["s": "a\"b\\c\n", "n": 1.50, "list": [1, nil], "null": nil, "o": ["k": "v"]], "user": ["id": "u"],
        ]
        let cases: [(String, String)] = [
            (#"{"a":{{data.s}}}"#, #"{"a":"a\"b\\c\n"}"#),
            (#"{"a":"x {{data.s}} y"}"#, #"{"a":"x a\"b\\c\n y"}"#),
            (#"{"a":{"b":{{data.n}}}}"#, #"{"a":{"b":1.5}}"#),
            (#"[{{data.list}},{{data.null}},{{data.o}}]"#, #"[[1,null],null,{"k":"v"}]"#),
            (#""{{data.o}}""#, #""{\"k\":\"v\"}""#),
            (#"{"\"{{user.id}}":"\\{{user.id}}","c":{{user.id}}}"#, #"{"\"u":"\\u","c":"u"}"#),
            (#"[{{data.none|0}},{{data.none|zero}},"{{data.none|0}}",{{data.none|"0"}}]"#, #"[0,"zero","0","0"]"#),
            ("{\n\"a\":\r\n{{data.n}}}", "{ \"a\":  1.5}"),
            (#"{"{{data.null|none}}":1}"#, #"{"none":1}"#),
        ]
        for (template, expected) in cases {
            let text = try fill(template, .json, members)
            #expect(text == expected)
            #expect(throws: Never.self) { try JSONValue(jsonText: text) }
        }
    }

    @Test(
        "what is no template is refused at once",
        arguments: [
            ("/{{data.x", "a \"{{\" is not closed by \"}}\""),
            ("/{{}}", "a placeholder names no path: write {{data.id}}, or {{data.id|default}}"),
            ("/{{ |x}}", "a placeholder names no path: write {{data.id}}, or {{data.id|default}}"),
            ("/{{da ta}}", "a placeholder names no path: write {{data.id}}, or {{data.id|default}}"),
            ("/{{{data.x}}}", "a placeholder names no path: write {{data.id}}, or {{data.id|default}}"),
            ("/{{dtaa.x}}", "an event has no member \"dtaa\"; did you mean \"data\"?"),
            ("/{{password}}", "an event has no member \"password\"; write {{data.id}}"),
            (
                "/{{data.x|..}}",
                "the default of {{data.x}} holds the step \".\" or \"..\", which would lead to another place"
            ),
        ]
    )
    func refused(template: String, expected: String) {
        #expect(problem(template, .target) == expected)
    }

    @Test("a body that can never be JSON is refused at once", arguments: ["{{data.x}", "{\"a\":{{data.x}}", "{a}", ""])
    func noJSON(template: String) {
        #expect(throws: APITemplate.Problem.self) { try APITemplate(template, .json) }
    }
}
