public import EventJSON

/// A JSON Schema ([draft 2020-12](https://json-schema.org/draft/2020-12/json-schema-core)), compiled once to check many
/// values.
///
/// ```swift
/// let schema = try CompiledSchema(["type": "object", "required": ["title"]])
/// schema.isValid(["title": "Home"])    // true
/// schema.issues(in: [:])               // #: "title" is required
/// ```
///
/// What is written is checked: a keyword, a format or a reference that cannot be honoured is refused when the schema is
/// compiled. References stay inside the schema (`#`, `#/$defs/…`, `#anchor`). Formats are asserted. Numbers are compared
/// exactly, however many digits they have; lengths count Unicode scalars; patterns take linear time.
public struct CompiledSchema: Sendable {
    private let nodes: [SchemaBox]
    private let root: Int

    /// How often parts of a schema are looked at for one value before it is given up as invalid. A schema whose
    /// alternatives refer to themselves could otherwise double its work with each level of the value.
    public static let maximumEvaluationCount = 200_000
    /// How deep the schema may lead into itself and the value before the value is given up as invalid.
    public static let maximumEvaluationDepth = 500
    /// How many issues are told of one value.
    public static let maximumIssueCount = 20

    /// Compiles a schema: an object, or `true` or `false`.
    ///
    /// - Throws: `JSONSchemaErrors` with everything that cannot be honoured.
    public init(_ schema: JSONValue) throws(JSONSchemaErrors) {
        var compiler = SchemaCompiler(schema)
        root = compiler.compile()
        nodes = compiler.nodes.map(SchemaBox.init)
        if !compiler.problems.isEmpty { throw JSONSchemaErrors(compiler.problems) }
    }

    /// The schema `false`: nothing is as it says.
    public static let nothing = CompiledSchema(verdict: false)

    private init(verdict: Bool) {
        var node = SchemaNode()
        node.verdict = verdict
        nodes = [SchemaBox(node)]
        root = 0
    }

    /// Whether the value is as the schema says.
    public func isValid(_ value: JSONValue) -> Bool {
        var evaluation = SchemaEvaluation(nodes: nodes, collectsIssues: false)
        return evaluation.isValid(value, root)
    }

    /// What is wrong with the value; empty if nothing is. At most 20 issues.
    public func issues(in value: JSONValue) -> [JSONSchemaIssue] {
        var evaluation = SchemaEvaluation(nodes: nodes, collectsIssues: true)
        let isValid = evaluation.isValid(value, root)
        if isValid { return [] }
        return evaluation.issues
    }

    /// The names of all keywords that a schema may have.
    public static let keywords: [String] = SchemaKeyword.allCases.map(\.rawValue).sorted()
}

/// One thing that is wrong with a value.
public struct JSONSchemaIssue: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where in the value: `#`, `#/data/title` (a JSON pointer; names longer than 64 characters are cut).
    public let path: String
    /// What is wrong, without anything of the value.
    public let message: String

    /// `#/data: "title" is required`.
    public var description: String { "\(path): \(message)" }
}

/// Something in a schema that cannot be honoured.
public struct JSONSchemaProblem: Sendable, Equatable, CustomStringConvertible {
    /// The member names and indices that lead to the place in the schema.
    public let path: [String]
    /// What is wrong and what to write instead.
    public let message: String
    /// The keyword that nobody knows, if that is the problem.
    public let unknownKeyword: String?

    /// The place and the message.
    public var description: String { path.isEmpty ? message : "\(path.joined(separator: ".")): \(message)" }
}

/// Everything in a schema that cannot be honoured.
public struct JSONSchemaErrors: Error, Sendable, CustomStringConvertible {
    /// The problems, in the order in which they were found.
    public let problems: [JSONSchemaProblem]

    init(_ problems: [JSONSchemaProblem]) {
        self.problems = problems
    }

    /// One line per problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
