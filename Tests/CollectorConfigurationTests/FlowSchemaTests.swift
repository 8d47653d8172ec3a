import EventJSON
import Foundation
import JSONSchema
import TestSupport
import Testing

/// The shipped JSON Schema of flow.json, looked at by our own validator.
@Suite("The schema of flow.json")
struct FlowSchemaTests {
    private let schema: CompiledSchema

    init() throws {
        let text = try Data(contentsOf: Fixtures.packageRoot.appending(path: "schema/flow.schema.json"))
        schema = try CompiledSchema(JanssonText.parse(String(decoding: text, as: UTF8.self)))
    }

    @Test("the flow of the README is as the schema says")
    func readme() throws {
        let text = try String(contentsOf: Fixtures.packageRoot.appending(path: "README.md"), encoding: .utf8)
        let block = try #require(text.split(separator: "```json flow.json\n").last?.split(separator: "\n```").first)
        #expect(try schema.issues(in: JanssonText.parse(String(block))) == [])
    }

    @Test("the example with steps is as the schema says")
    func steps() throws {
        let path = Fixtures.packageRoot.appending(path: "Examples/Steps/flow.json")
        let flow = try JanssonText.parse(String(contentsOf: path, encoding: .utf8))
        #expect(schema.issues(in: flow) == [])
    }

    @Test(
        "mistakes are seen",
        arguments: [
            #"{"version":3,"flows":{"d":{}}}"#,
            #"{"version":4}"#,
            #"{"version":4,"flows":{"d":{"destination":{}}}}"#,
            #"{"version":4,"flows":{"d":{"destinations":{"a":{"package":"unknown"}}}}}"#,
            #"{"version":4,"flows":{"d":{"transformers":{"t":{"package":"validate","config":{"settings":{"mod":1}}}}}}}"#,
            #"{"version":4,"flows":{"d":{"destinations":{"a":{"package":"console","before":{"nxt":"t"}}}}}}"#,
            #"{"version":4,"flows":{"d":{"destinations":{"a":{"package":"console","config":{"mapping":{"a":{"b":{"nam":1}}}}}}}}}"#,
        ]
    )
    func mistakes(_ flow: String) throws {
        #expect(try !schema.isValid(JSONValue(jsonText: flow)))
    }
}
