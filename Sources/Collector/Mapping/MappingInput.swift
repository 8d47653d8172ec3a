import EventJSON

/// What the values of a mapping are read from: an event, or the item of a loop.
enum MappingInput {
    case event(Event)
    case value(JSONValue)
    /// An item of a loop that is still text; the buffer stays valid while the loop runs.
    case text(JSONSlice, UnsafeBufferPointer<UInt8>)

    var isMissing: Bool {
        if case .value(.missing) = self { true } else { false }
    }

    /// The whole input as a tree.
    var whole: JSONValue {
        switch self {
        case .event(let event): .object(event.object)
        case .value(let value): value
        case .text(let slice, let bytes): JSONValue(validated: slice, in: bytes)
        }
    }

    func value(at path: MemberPath, fallback: JSONValue) -> JSONValue {
        switch self {
        case .event(let event): path.value(in: event, fallback: fallback)
        case .value(let value): path.value(in: value, fallback: fallback)
        case .text(let slice, let bytes): path.value(in: bytes, at: slice, fallback: fallback)
        }
    }

    /// Lends the text of what stands at the path; nil if only a tree can say what does.
    func withText<Result>(
        at path: MemberPath,
        _ body: (JSONSlice, UnsafeBufferPointer<UInt8>) -> Result?
    ) -> Result? {
        switch self {
        case .event(let event): path.withText(in: event, body)
        case .value: nil
        case .text(let slice, let bytes):
            if case .found(let found) = path.find(in: bytes, at: slice) { body(found, bytes) } else { nil }
        }
    }

    var consent: JSONObject? {
        switch self {
        case .event(let event): event[.consent].object
        case .value, .text: whole["consent"].object
        }
    }
}
