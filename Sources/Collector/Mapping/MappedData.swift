import EventJSON

/// What a mapping's `data` made of an event: mostly text, of which a tree is made for who asks.
enum MappedData: Sendable {
    case missing
    /// Canonical JSON text.
    case text(ByteRun)
    case tree(JSONValue)

    var isMissing: Bool {
        switch self {
        case .missing: true
        case .text: false
        case .tree(let value): value.isMissing
        }
    }

    /// Whether it is an object.
    var isObject: Bool {
        switch self {
        case .missing: false
        case .text(let text): text.bytes.first == UInt8(ascii: "{")
        case .tree(let value): value.object != nil
        }
    }

    var value: JSONValue {
        switch self {
        case .missing: .missing
        case .text(let text):
            withExtendedLifetime(text) { JSONValue(validated: JSONSlice(whole: text.bytes), in: text.bytes) }
        case .tree(let value): value
        }
    }

    /// Compact JSON text; empty if there is no data.
    var json: [UInt8] {
        switch self {
        case .missing: []
        case .text(let text): withExtendedLifetime(text) { Array(text.bytes) }
        case .tree(let value): value.jsonText
        }
    }
}
