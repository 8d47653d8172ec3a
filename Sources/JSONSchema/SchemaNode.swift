import EventJSON
import LinearExpressions

/// A compiled schema: what it asserts, by kind of value, and the nodes that it leads to, by index.
struct SchemaNode: Sendable {
    /// `true` or `false` in place of a schema.
    var verdict: Bool?
    var types: SchemaTypes?
    var constant: ExactValue?
    var enumeration: Set<ExactValue>?
    var numbers: NumberAssertions?
    var texts: TextAssertions?
    var objects: ObjectAssertions?
    var arrays: ArrayAssertions?
    var applicators: [InPlaceApplicator] = []
    var unevaluatedProperties: Int?
    var unevaluatedItems: Int?
}

/// The kinds of value that `type` allows.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let object = SchemaTypes(rawValue: 4)
    static let array = SchemaTypes(rawValue: 8)
    static let number = SchemaTypes(rawValue: 16)
    static let string = SchemaTypes(rawValue: 32)
    static let integer = SchemaTypes(rawValue: 64)

    static let named: [(name: String, type: SchemaTypes)] = [
        ("null", .null), ("boolean", .boolean), ("object", .object), ("array", .array), ("number", .number),
        ("string", .string), ("integer", .integer),
    ]

    var names: String {
        let names = Self.named.filter { contains($0.type) }.map(\.name)
        return names.joined(separator: " or ")
    }

    func allow(_ value: JSONValue) -> Bool {
        switch value {
        case .missing, .null: contains(.null)
        case .bool: contains(.boolean)
        case .string: contains(.string)
        case .array: contains(.array)
        case .object: contains(.object)
        case .number(let number):
            // Text cannot say NaN and the infinities; they are written as null.
            !number.isFinite ? contains(.null) : contains(.number) || contains(.integer) && number.isWhole
        }
    }
}

extension JSONNumber {
    /// Whether the number has no fraction: `1`, `1.0`, `1e3`.
    fileprivate var isWhole: Bool { Int(text) != nil || ExactDecimal(text).isWhole }
}

/// What is asserted of numbers.
struct NumberAssertions: Sendable {
    var minimum: ExactDecimal?
    var maximum: ExactDecimal?
    var exclusiveMinimum: ExactDecimal?
    var exclusiveMaximum: ExactDecimal?
    var divisor: ExactDecimal?
}

/// What is asserted of texts.
struct TextAssertions: Sendable {
    var minimumLength: Int?
    var maximumLength: Int?
    var pattern: (text: String, expression: LinearExpression)?
    var format: SchemaFormat?
}

/// What is asserted of objects and their members.
struct ObjectAssertions: Sendable {
    var minimumCount: Int?
    var maximumCount: Int?
    var required: [String] = []
    var dependentRequired: [(name: String, required: [String])] = []
    var properties: [ExactString: Int] = [:]
    var patterns: [(expression: LinearExpression, node: Int)] = []
    var additional: Int?
    var names: Int?

    var looksAtMembers: Bool { !properties.isEmpty || !patterns.isEmpty || additional != nil || names != nil }
}

/// What is asserted of arrays and their elements.
struct ArrayAssertions: Sendable {
    var minimumCount: Int?
    var maximumCount: Int?
    var isUnique = false
    var prefix: [Int] = []
    var rest: Int?
    var contains: (node: Int, minimum: Int, maximum: Int?)?
}

/// A keyword that applies other schemas to the same value.
enum InPlaceApplicator: Sendable {
    case reference(Int)
    case all([Int])
    case any([Int])
    case one([Int])
    case not(Int)
    case condition(Int, then: Int?, otherwise: Int?)
    case dependent([(name: String, node: Int)])

    /// The schemas applied.
    var nodes: [Int] {
        switch self {
        case .reference(let node), .not(let node): [node]
        case .all(let nodes), .any(let nodes), .one(let nodes): nodes
        case .condition(let condition, let then, let otherwise):
            [condition] + [then, otherwise].compactMap { $0 }
        case .dependent(let schemas): schemas.map(\.node)
        }
    }
}
