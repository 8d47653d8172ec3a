/// The fifteen members of an event, in the order in which they are written.
public enum EventMember: Int, CaseIterable, Sendable {
    /// "entity action", such as "product view". Required.
    case name
    /// Properties of the entity.
    case data
    /// Surroundings: name → `[value, order]`.
    case context
    /// Properties that hold for every event of a run.
    case globals
    /// Anything else the sender wants to say.
    case custom
    /// Who: `id`, `device`, `session`, `hash` and more.
    case user
    /// Entities inside this one.
    case nested
    /// Consent states: name → boolean.
    case consent
    /// 16 hexadecimal digits unless the sender chose another text.
    case id
    /// What caused the event: "click", "load".
    case trigger
    /// The first word of the name.
    case entity
    /// The second word of the name.
    case action
    /// Milliseconds since 1970.
    case timestamp
    /// Seconds since the run began, two decimals.
    case timing
    /// Where the event was made: `type`, `schema`, `count`, `trace`, `release` and more.
    case source

    /// The member's name in JSON.
    public var key: String {
        switch self {
        case .name: "name"
        case .data: "data"
        case .context: "context"
        case .globals: "globals"
        case .custom: "custom"
        case .user: "user"
        case .nested: "nested"
        case .consent: "consent"
        case .id: "id"
        case .trigger: "trigger"
        case .entity: "entity"
        case .action: "action"
        case .timestamp: "timestamp"
        case .timing: "timing"
        case .source: "source"
        }
    }

    /// The member with that name, if it is one of the fifteen.
    public init?(key: String) {
        var key = key
        guard let member = key.withUTF8({ EventMember(utf8: $0) }) else { return nil }
        self = member
    }

    /// The member with that name given as UTF-8 without quotes.
    init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count >= 2, bytes.count <= 9 else { return nil }
        let candidate: EventMember
        switch (bytes.count, bytes[0], bytes[1]) {
        case (4, UInt8(ascii: "n"), _): candidate = .name
        case (4, UInt8(ascii: "d"), _): candidate = .data
        case (7, UInt8(ascii: "c"), UInt8(ascii: "o")): candidate = bytes[3] == UInt8(ascii: "s") ? .consent : .context
        case (7, UInt8(ascii: "g"), _): candidate = .globals
        case (6, UInt8(ascii: "c"), _): candidate = .custom
        case (4, UInt8(ascii: "u"), _): candidate = .user
        case (6, UInt8(ascii: "n"), _): candidate = .nested
        case (2, UInt8(ascii: "i"), _): candidate = .id
        case (7, UInt8(ascii: "t"), _): candidate = .trigger
        case (6, UInt8(ascii: "e"), _): candidate = .entity
        case (6, UInt8(ascii: "a"), _): candidate = .action
        case (9, UInt8(ascii: "t"), _): candidate = .timestamp
        case (6, UInt8(ascii: "t"), _): candidate = .timing
        case (6, UInt8(ascii: "s"), _): candidate = .source
        default: return nil
        }
        let isMatch = candidate.prefix.withUTF8Buffer { prefix in
            // The prefix is `,"key":`.
            for offset in 0..<bytes.count where prefix[offset + 2] != bytes[offset] { return false }
            return true
        }
        guard isMatch else { return nil }
        self = candidate
    }

    /// What stands before the member's value in an event's text: comma, quoted name, colon.
    var prefix: StaticString {
        switch self {
        case .name: #","name":"#
        case .data: #","data":"#
        case .context: #","context":"#
        case .globals: #","globals":"#
        case .custom: #","custom":"#
        case .user: #","user":"#
        case .nested: #","nested":"#
        case .consent: #","consent":"#
        case .id: #","id":"#
        case .trigger: #","trigger":"#
        case .entity: #","entity":"#
        case .action: #","action":"#
        case .timestamp: #","timestamp":"#
        case .timing: #","timing":"#
        case .source: #","source":"#
        }
    }
}
