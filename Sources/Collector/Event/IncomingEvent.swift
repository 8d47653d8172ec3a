import EventJSON

/// An event as a sender wrote it: which of the fifteen members it has and where they lie in the sender's bytes.
///
/// Members that an event does not have are dropped; of a repeated member the last counts.
struct IncomingEvent {
    private var slices = InlineArray<15, JSONSlice?>(repeating: nil)
    /// What stood in the place of the event.
    let kind: JSONSlice.Kind

    /// Scans the value at the scanner's position.
    init(_ scanner: inout JSONScanner, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else {
            kind = try scanner.scanValue().kind
            return
        }
        kind = .object
        try scanner.enterObject()
        while let name = try scanner.nextName() {
            let value = try scanner.scanValue()
            note(value, named: name, in: bytes)
        }
    }

    /// An event without members: what walkerOS makes of a body that is not JSON.
    init() {
        kind = .object
    }

    mutating func note(_ value: JSONSlice, named name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        guard let member = Self.member(named: name, in: bytes) else { return }
        slices[member.rawValue] = value
    }

    subscript(member: EventMember) -> JSONSlice? {
        slices[member.rawValue]
    }

    /// The members as a tree, for source mappings.
    func object(in bytes: UnsafeBufferPointer<UInt8>) -> JSONObject {
        var object = JSONObject()
        for member in EventMember.allCases {
            if let slice = self[member] { object[member.key] = JSONValue(validated: slice, in: bytes) }
        }
        return object
    }

    private static func member(named name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> EventMember? {
        if name.form == .canonical {
            return EventMember(utf8: UnsafeBufferPointer(rebasing: bytes[Int(name.start) + 1..<Int(name.end) - 1]))
        }
        return JSONValue(validated: name, in: bytes).string.flatMap(EventMember.init(key:))
    }
}
