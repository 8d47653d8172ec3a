import EventJSON

extension JSONValue {
    /// Whether mapping may produce the value: a scalar, or arrays and objects of such. A null anywhere inside, or NaN,
    /// makes the whole value none (walkerOS's `castToProperty`).
    var isProperty: Bool {
        switch self {
        case .missing, .bool, .string: true
        case .null: false
        case .number(let number): !number.isNotANumber
        case .array(let elements): elements.allSatisfy(\.isProperty)
        case .object(let members): members.allSatisfy(\.value.isProperty)
        }
    }
}
