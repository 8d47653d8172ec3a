import EventJSON
import Foundation
import JSONSchema
import Testing

/// json-schema-org/JSON-Schema-Test-Suite, which is not part of this repository: found by `COLLECTOR_VECTORS`.
@Suite("JSON-Schema-Test-Suite")
struct SchemaSuiteTests {
    private static let folder = ProcessInfo.processInfo.environment["COLLECTOR_VECTORS"]
        .map { URL(filePath: $0).appending(path: "JSON-Schema-Test-Suite/tests/draft2020-12") }
    private static let isHere = folder.map { FileManager.default.fileExists(atPath: $0.path) } ?? false

    /// Why schemas of a file are refused: part of the message. Schemas of other files are all compiled.
    private static let refusals: [String: [String]] = [
        "anchor.json": ["references stay inside"],
        "defs.json": ["references stay inside"],
        "dynamicRef.json": ["references stay inside", "\"$id\" inside a schema"],
        "format.json": ["format cannot be checked"],
        "optional/cross-draft.json": ["references stay inside"],
        "optional/dependencies-compatibility.json": ["\"dependencies\" is"],
        "optional/dynamicRef.json": ["references stay inside"],
        "optional/ecmascript-regex.json": ["Unicode property escapes"],
        "optional/format-assertion.json": ["the draft understood"],
        "optional/format/ecmascript-regex.json": ["format cannot be checked"],
        "optional/format/idn-email.json": ["format cannot be checked"],
        "optional/format/idn-hostname.json": ["format cannot be checked"],
        "optional/format/iri.json": ["format cannot be checked"],
        "optional/format/iri-reference.json": ["format cannot be checked"],
        "optional/format/regex.json": ["format cannot be checked"],
        "optional/format/unknown.json": ["format cannot be checked"],
        "optional/format/uri-template.json": ["format cannot be checked"],
        "optional/id.json": ["references stay inside"],
        "optional/refOfUnknownKeyword.json": ["unknown keyword"],
        "optional/unknownKeyword.json": ["unknown keyword"],
        "pattern.json": ["Unicode property escapes"],
        "patternProperties.json": ["Unicode property escapes"],
        "ref.json": ["references stay inside", "\"$id\" inside a schema"],
        "refRemote.json": ["references stay inside", "\"$id\" inside a schema"],
        "unevaluatedItems.json": ["references stay inside"],
        "unevaluatedProperties.json": ["references stay inside"],
        "vocabulary.json": ["the draft understood"],
    ]

    /// Cases that are judged differently, by the beginning of their description.
    private static func isDifferent(_ file: String, _ group: String, _ test: String) -> Bool {
        switch file {
        // Formats are asserted.
        case "format.json": test.hasSuffix("is only an annotation by default")
        // Encoded labels are not taken apart.
        case "optional/format/hostname.json": group.hasPrefix("validation of A-label")
        default: false
        }
    }

    @Test("draft 2020-12", .enabled(if: isHere, "COLLECTOR_VECTORS names no folder with the suite"))
    func draft() throws {
        let folder = try #require(Self.folder)
        let enumerator = try #require(FileManager.default.enumerator(atPath: folder.path))
        var refused: Set<String> = []
        var count = 0
        for case let file as String in enumerator where file.hasSuffix(".json") {
            let text = try Array(Data(contentsOf: folder.appending(path: file)))
            let groups = try JSONValue(jsonText: text, limits: JSONLimits(maximumByteCount: .max, maximumDepth: 1000))
            for group in groups.array ?? [] {
                do throws(JSONSchemaErrors) {
                    count += judge(group, by: try CompiledSchema(group["schema"]), in: file)
                } catch {
                    refused.insert(file)
                    let reasons = Self.refusals[file] ?? []
                    #expect(reasons.contains { error.description.contains($0) }, "\(file): \(error)")
                }
            }
        }
        #expect(refused == Set(Self.refusals.keys))
        #expect(count > 1600)
    }

    /// The number of cases judged.
    private func judge(_ group: JSONValue, by schema: CompiledSchema, in file: String) -> Int {
        let name = group["description"].string ?? ""
        let tests = group["tests"].array ?? []
        for test in tests {
            let description = test["description"].string ?? ""
            if Self.isDifferent(file, name, description) { continue }
            #expect(schema.isValid(test["data"]) == test["valid"].bool, "\(file): \(name): \(description)")
            #expect(schema.issues(in: test["data"]).isEmpty == test["valid"].bool, "\(file): \(name): \(description)")
        }
        return tests.count
    }
}
