import EventJSON
import Testing

@testable import JSONSchema

/// A schema, and values that are as it says or not.
struct Judged: CustomTestStringConvertible {
    let text: String
    let valid: [String]
    let invalid: [String]
    var testDescription: String { text }

    init(_ text: String, _ valid: [String], _ invalid: [String]) {
        self.text = text
        self.valid = valid
        self.invalid = invalid
    }
}

/// A schema that is refused, where and why.
struct Refused: CustomTestStringConvertible {
    let text: String
    let path: [String]
    let message: String
    var testDescription: String { text }

    init(_ text: String, _ path: [String], _ message: String) {
        self.text = text
        self.path = path
        self.message = message
    }
}

@Suite("JSON Schema")
struct CompiledSchemaTests {
    private static func value(_ text: String) throws -> JSONValue { try JSONValue(jsonText: text) }

    @Test(
        "keywords",
        arguments: [
            Judged(##"{"type": "integer"}"##, ["1", "1.0", "1e3", "-0"], ["1.5", "\"1\"", "null"]),
            Judged(##"{"type": ["string", "null"]}"##, ["\"\"", "null"], ["1", "[]", "{}", "true"]),
            Judged(##"{"const": {"a": [1, 2.0]}}"##, [##"{"a": [1.0, 2]}"##], [##"{"a": [2, 1]}"##, "{}"]),
            Judged(##"{"enum": [1, "a", null, false]}"##, ["1.0", "\"a\"", "null", "false"], ["0", "true", "\"b\""]),
            Judged(
                ##"{"const": 9007199254740993}"##,
                ["9007199254740993", "9007199254740993.0"],
                ["9007199254740992", "9007199254740994"]
            ),
            Judged(
                ##"{"minimum": 1.5, "exclusiveMaximum": 3}"##,
                ["1.5", "2.99", "\"x\""],
                ["1.49", "3", "3.0", "-2"]
            ),
            Judged(##"{"maximum": -0.1, "exclusiveMinimum": -1e2}"##, ["-0.1", "-99.9"], ["0", "-100", "-1000"]),
            Judged(##"{"multipleOf": 0.01}"##, ["19.99", "0", "-5", "1e300", "0.070"], ["19.999", "1e-300"]),
            Judged(##"{"multipleOf": 300}"##, ["3e2", "600", "0"], ["30", "100", "450"]),
            Judged(##"{"minLength": 2, "maxLength": 3}"##, ["\"ab\"", "\"😀😀😀\"", "5"], ["\"a\"", "\"abcd\""]),
            Judged(##"{"pattern": "^a+$"}"##, ["\"aa\"", "1"], ["\"ab\"", "\"\""]),
            Judged(##"{"format": "email"}"##, ["\"a@b.example\"", "1"], ["\"a\"", "\"a@\"", "\"@b\""]),
            Judged(##"{"required": ["a"], "minProperties": 1}"##, [##"{"a": null}"##, "[]"], ["{}", ##"{"b": 1}"##]),
            Judged(##"{"maxProperties": 1}"##, ["{}", ##"{"a": 1}"##], [##"{"a": 1, "b": 2}"##]),
            Judged(##"{"dependentRequired": {"a": ["b"]}}"##, ["{}", ##"{"a": 1, "b": 2}"##], [##"{"a": 1}"##]),
            Judged(
                ##"{"properties": {"a": {"type": "string"}}, "patternProperties": {"^x": {"type": "number"}}, "additionalProperties": false}"##,
                [##"{"a": "1", "xy": 2}"##, "{}"],
                [##"{"a": 1}"##, ##"{"xy": "2"}"##, ##"{"b": 1}"##]
            ),
            Judged(##"{"propertyNames": {"maxLength": 2}}"##, [##"{"ab": 1}"##], [##"{"abc": 1}"##]),
            Judged(
                ##"{"prefixItems": [{"type": "string"}], "items": {"type": "number"}}"##,
                ["[]", "[\"a\", 1]"],
                ["[1]", "[\"a\", \"b\"]"]
            ),
            Judged(
                ##"{"minItems": 1, "maxItems": 2, "uniqueItems": true}"##,
                ["[1, 2]"],
                ["[]", "[1, 2, 3]", "[1, 1.0]"]
            ),
            Judged(
                ##"{"contains": {"const": 1}, "minContains": 2, "maxContains": 3}"##,
                ["[1, 1, 2]", "{}"],
                ["[1]", "[1, 1, 1, 1]"]
            ),
            Judged(##"{"allOf": [{"minimum": 1}, {"maximum": 2}]}"##, ["1", "2"], ["0", "3"]),
            Judged(##"{"anyOf": [{"type": "string"}, {"minimum": 2}]}"##, ["\"\"", "2"], ["1"]),
            Judged(##"{"oneOf": [{"minimum": 1}, {"minimum": 2}]}"##, ["1"], ["0", "2"]),
            Judged(##"{"not": {"type": "string"}}"##, ["1"], ["\"\""]),
            Judged(
                ##"{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}"##,
                [##"{"a": 1, "b": 1}"##, ##"{"c": 1}"##],
                [##"{"a": 1}"##, "{}"]
            ),
            Judged(##"{"dependentSchemas": {"a": {"maxProperties": 1}}}"##, [##"{"a": 1}"##], [##"{"a": 1, "b": 1}"##]),
            Judged(
                ##"{"allOf": [{"properties": {"a": true}}], "anyOf": [true, {"required": ["b"], "properties": {"b": true}}], "unevaluatedProperties": false}"##,
                [##"{"a": 1}"##, ##"{"a": 1, "b": 2}"##],
                [##"{"c": 1}"##]
            ),
            Judged(
                ##"{"prefixItems": [true], "contains": {"const": 7}, "unevaluatedItems": false}"##,
                ["[1, 7]", "[7]"],
                ["[1, 2]", "[1, 7, 2]"]
            ),
            Judged(
                ##"{"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}}}"##,
                [##"{"next": {"next": {}}}"##],
                [##"{"next": {"next": 1}}"##]
            ),
            Judged(
                ##"{"$ref": "#%2F$defs%2Fa~1b", "$defs": {"a/b": {"$anchor": "x", "type": "null"}, "c": {"$ref": "#x"}}}"##,
                ["null"],
                ["1"]
            ),
            Judged(
                ##"{"$dynamicRef": "#t", "$defs": {"t": {"$dynamicAnchor": "t", "type": "string"}}}"##,
                ["\"a\""],
                ["1"]
            ),
            Judged(
                ##"{"$comment": "c", "title": "t", "x-tagging": {"anything": 1}, "default": 5}"##,
                ["1", "null"],
                []
            ),
            Judged("false", [], ["1"]),
        ] as [Judged]
    )
    func keywords(_ judged: Judged) throws {
        let (text, valid, invalid) = (judged.text, judged.valid, judged.invalid)
        let schema = try CompiledSchema(Self.value(text))
        for value in valid {
            #expect(try schema.isValid(Self.value(value)), "\(value)")
            #expect(try schema.issues(in: Self.value(value)) == [], "\(value)")
        }
        for value in invalid {
            #expect(try !schema.isValid(Self.value(value)), "\(value)")
            #expect(try !schema.issues(in: Self.value(value)).isEmpty, "\(value)")
        }
    }

    @Test("issues name the place, not the value")
    func issues() throws {
        let schema = try CompiledSchema([
            "properties": [
                "data": ["required": ["title"], "properties": ["price/€": ["type": "number", "minimum": 0]]],
                "list": ["items": ["const": "secret"]],
            ],
            "additionalProperties": false,
        ])
        let issues = schema.issues(in: [
            "data": ["price/€": -1], "list": ["secret", "s3cr3t"], "more": .string("s3cr3t"),
        ])
        #expect(
            issues.map(\.description) == [
                "#/data: \"title\" is required",
                "#/data/price~1€: is below \"minimum\"",
                "#/list/1: must be the constant of the schema",
                "#/more: is not allowed",
            ]
        )
        let name = String(repeating: "n", count: 100)
        #expect(schema.issues(in: .object([name: 1]))[0].path == "#/" + name.prefix(64) + "…")
        let many = schema.issues(in: ["list": .array(Array(repeating: 0, count: 100))])
        #expect(many.count == CompiledSchema.maximumIssueCount)
    }

    @Test(
        "what cannot be honoured is refused with the place and the remedy",
        arguments: [
            Refused(##"{"properties": {"a": {"requird": []}}}"##, ["properties", "a", "requird"], "unknown keyword"),
            Refused(##"{"type": "text"}"##, ["type"], "one or more of null, boolean"),
            Refused(##"{"minimum": "1"}"##, ["minimum"], "is a number"),
            Refused(##"{"maxItems": -1}"##, ["maxItems"], "whole number of at least 0"),
            Refused(##"{"multipleOf": 0}"##, ["multipleOf"], "above 0"),
            Refused(##"{"pattern": "(?=a)"}"##, ["pattern"], "look-ahead is not supported"),
            Refused(##"{"patternProperties": {"(": true}}"##, ["patternProperties", "("], "missing )"),
            Refused(##"{"format": "uri-template"}"##, ["format"], "cannot be checked; known are date"),
            Refused(##"{"items": [true]}"##, ["items"], "\"prefixItems\""),
            Refused(##"{"dependencies": {}}"##, ["dependencies"], "\"dependentRequired\""),
            Refused(##"{"allOf": []}"##, ["allOf"], "at least one"),
            Refused(##"{"anyOf": [5]}"##, ["anyOf", "0"], "a schema is an object, true or false"),
            Refused(##"{"required": "a"}"##, ["required"], "array of names"),
            Refused(##"{"enum": 1}"##, ["enum"], "array of values"),
            Refused(##"{"$ref": "https://x.example/s"}"##, ["$ref"], "stay inside"),
            Refused(##"{"$ref": "#/$defs/none"}"##, ["$ref"], "nothing stands at"),
            Refused(##"{"$defs": {"a": {"$id": "x"}}}"##, ["$defs", "a", "$id"], "not supported"),
            Refused(##"{"$defs": {"a": {"typ": 1}}}"##, ["$defs", "a", "typ"], "unknown keyword"),
            Refused(##"{"$schema": "http://json-schema.org/draft-07/schema#"}"##, ["$schema"], "draft understood"),
            Refused(##"{"$ref": "#"}"##, [], "refers to itself"),
            Refused(
                ##"{"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}}"##,
                [],
                "refers to itself"
            ),
            Refused("5", [], "a schema is an object"),
        ] as [Refused]
    )
    func refusals(_ refused: Refused) throws {
        let (text, path, message) = (refused.text, refused.path, refused.message)
        let schema = try Self.value(text)
        let error = #expect(throws: JSONSchemaErrors.self) { try CompiledSchema(schema) }
        let problem = try #require(error?.problems.first)
        #expect(problem.message.contains(message), "\(problem)")
        if message != "refers to itself" { #expect(problem.path == path) }
    }

    @Test("all problems are told at once")
    func allProblems() throws {
        let error = #expect(throws: JSONSchemaErrors.self) {
            try CompiledSchema(["typ": 1, "minimum": "x", "properties": ["a": ["format": "?"]]])
        }
        #expect(error?.problems.count == 3)
        #expect(error?.problems.first?.unknownKeyword == "typ")
    }

    @Test("a value cannot make the work grow without bound")
    func bounded() throws {
        // Each level of the value doubles the work.
        let schema = try CompiledSchema([
            "oneOf": [
                ["allOf": [["properties": ["a": ["$ref": "#"]]], false]],
                ["properties": ["a": ["$ref": "#"]]],
            ]
        ])
        var value: JSONValue = [:]
        for _ in 0..<10 { value = ["a": value] }
        #expect(schema.isValid(value))
        for _ in 0..<40 { value = ["a": value] }
        #expect(!schema.isValid(value))
        #expect(schema.issues(in: value).map(\.message) == ["would take too long to check"])
        // Giving up is no success, even where failure is asked for.
        let negated = try CompiledSchema([
            "not": ["allOf": [["$ref": "#/$defs/a"], false]],
            "$defs": ["a": ["properties": ["a": ["$ref": "#/$defs/a"]]]],
        ])
        var deep: JSONValue = 1
        for _ in 0..<2 * CompiledSchema.maximumEvaluationDepth { deep = ["a": deep] }
        #expect(!negated.isValid(deep))
    }

    @Test("missing members are not there, missing elements and numbers that JSON cannot say are null")
    func threeStates() throws {
        let schema = try CompiledSchema(["required": ["a"], "additionalProperties": ["type": ["null", "array"]]])
        #expect(!schema.isValid(["a": .missing]))
        #expect(schema.isValid(["a": .number(JSONNumber(.nan))]))
        #expect(try CompiledSchema(["items": ["type": "null"]]).isValid([.missing, nil]))
    }

    @Test("arithmetic of any size")
    func decimals() {
        #expect(ExactDecimal("1e400") > ExactDecimal("9e399"))
        #expect(ExactDecimal("-1e400") < ExactDecimal("-9e399"))
        #expect(ExactDecimal("1e-400") > ExactDecimal("0"))
        #expect(ExactDecimal("0.10") == ExactDecimal("1e-1"))
        #expect(ExactDecimal("-0.0") == ExactDecimal("0"))
        #expect(ExactDecimal("1e99999999999999999999") > ExactDecimal("1e1000000"))
        #expect(ExactDecimal("123456789012345678901234567890").isMultiple(of: ExactDecimal("10")))
        #expect(!ExactDecimal("123456789012345678901234567891").isMultiple(of: ExactDecimal("10")))
        #expect(ExactDecimal("999999999999999998").isMultiple(of: ExactDecimal("999999999999999998")))
        #expect(ExactDecimal("999999999999999998e50").isMultiple(of: ExactDecimal("499999999999999999")))
    }
}
