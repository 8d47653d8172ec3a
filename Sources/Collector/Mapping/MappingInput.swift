import EventJSON

/// What the values of a mapping are read from: an event, or the item of a loop.
enum MappingInput {
    case event(Event)
    case value(JSONValue)

    var isMissing: Bool {
        if case .value(.missing) = self { true } else { false }
    }

    /// The whole input as a tree.
    var whole: JSONValue {
        switch self {
        case .event(let event): .object(event.object)
        case .value(let value): value
        }
    }

    func value(at path: MemberPath, fallback: JSONValue) -> JSONValue {
        switch self {
        case .event(let event): path.value(in: event, fallback: fallback)
        case .value(let value): path.value(in: value, fallback: fallback)
        }
    }

    var consent: JSONObject? {
        switch self {
        case .event(let event): event[.consent].object
        case .value(let value): value["consent"].object
        }
    }
}
