import EventJSON

/// A value as JSON Schema compares it: numbers by their exact worth, objects whatever their order.
///
/// `JSONValue` compares numbers as doubles, which takes 2^53 and 2^53 + 1 for equal.
struct ExactValue: Sendable, Hashable {
    private indirect enum Content: Sendable, Hashable {
        case null
        case bool(Bool)
        case number(ExactDecimal)
        case string(ExactString)
        case array([ExactValue])
        case object([ExactString: ExactValue])
    }

    private let content: Content

    init(_ value: JSONValue) {
        switch value {
        case .missing, .null: content = .null
        case .bool(let bool): content = .bool(bool)
        case .number(let number): content = number.isFinite ? .number(ExactDecimal(number.text)) : .null
        case .string(let string): content = .string(ExactString(string))
        case .array(let elements): content = .array(elements.map(ExactValue.init))
        case .object(let members):
            var object: [ExactString: ExactValue] = [:]
            for member in members where !member.value.isMissing {
                object[ExactString(member.name)] = ExactValue(member.value)
            }
            content = .object(object)
        }
    }
}
