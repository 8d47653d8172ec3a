/// A JSON value with three states: missing, null, and everything else.
///
/// A mapping must tell a member that is not there from one that is `null`, so `missing` is a case of its own. In
/// text a missing object member is left out and a missing array element is written as `null`, as JavaScript does
/// with `undefined`.
///
/// ```swift
/// let value: JSONValue = ["id": "p1", "price": 9.5]
/// value["price"]    // 9.5
/// value["colour"]   // missing
/// ```
public enum JSONValue: Sendable {
    /// There is no value (JavaScript's `undefined`).
    case missing
    /// The JSON literal `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number whose text is kept.
    case number(JSONNumber)
    /// A string. A lone surrogate of the JSON text is U+FFFD here; untouched text keeps it.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object whose members keep their order.
    case object(JSONObject)
}

extension JSONValue {
    /// Whether there is no value at all.
    public var isMissing: Bool {
        if case .missing = self { true } else { false }
    }

    /// Whether the value is the literal `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The string, if the value is one.
    public var string: String? {
        if case .string(let string) = self { string } else { nil }
    }

    /// The boolean, if the value is one.
    public var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The number, if the value is one.
    public var number: JSONNumber? {
        if case .number(let number) = self { number } else { nil }
    }

    /// The elements, if the value is an array.
    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members, if the value is an object.
    public var object: JSONObject? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The member of that name; missing if there is none or the value is not an object.
    public subscript(name: String) -> JSONValue {
        if case .object(let members) = self { members[name] } else { .missing }
    }

    /// The element at that index; missing beyond the end or if the value is not an array.
    public subscript(index: Int) -> JSONValue {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { .missing }
    }

    /// The name of the value's kind for messages: "missing", "null", "boolean", "number", "string", "array", "object".
    public var kindName: String {
        switch self {
        case .missing: "missing"
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSONValue: Equatable {
    /// Values are equal when kind and content are; numbers by value (`1` equals `1.0`), objects whatever their order.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.missing, .missing), (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): ExactString(left) == ExactString(right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(JSONNumber(value)) }
    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object; a repeated name keeps its first place and takes the last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
    /// The literal `null`.
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue: CustomStringConvertible {
    /// The compact JSON text; "missing" for a missing value.
    public var description: String {
        if case .missing = self { return "missing" }
        return String(decoding: jsonText, as: UTF8.self)
    }
}
