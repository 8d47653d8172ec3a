import EventJSON

/// What a mapping's `data` made of an event: mostly text, of which a tree is made for who asks.
enum MappedData: Sendable {
    /// Canonical JSON text; empty if there is no data.
    case text([UInt8])
    case tree(JSONValue)

    /// No data.
    static let missing = MappedData.text([])

    var isMissing: Bool {
        switch self {
        case .text(let text): text.isEmpty
        case .tree(let value): value.isMissing
        }
    }

    var value: JSONValue {
        switch self {
        case .text(let text):
            text.isEmpty
                ? .missing
                : text.withUnsafeBufferPointer { JSONValue(validated: JSONSlice(whole: $0), in: $0) }
        case .tree(let value): value
        }
    }

    /// Compact JSON text; empty if there is no data.
    var json: [UInt8] {
        switch self {
        case .text(let text): text
        case .tree(let value): value.jsonText
        }
    }
}
