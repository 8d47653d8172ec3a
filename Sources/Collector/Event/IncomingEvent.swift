import EventJSON

/// An event as a sender wrote it: which of the fifteen members it has and where they lie in the sender's bytes.
///
/// Members that an event does not have are dropped; of a repeated member the last counts.
struct IncomingEvent {
    private var slices = InlineArray<15, JSONSlice>(repeating: .none)
    /// What stood in the place of the event.
    let kind: JSONSlice.Kind
    /// The offsets of the whole event.
    private var range = 0..<0

    /// Scans the value at the scanner's position.
    init(_ scanner: inout JSONScanner, in bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        guard try scanner.peek() == UInt8(ascii: "{") else {
            kind = try scanner.scanValue().kind
            return
        }
        kind = .object
        let start = scanner.position
        try scanner.enterObject()
        while let name = try scanner.nextName() {
            let value = try scanner.scanValue()
            note(value, named: name, in: bytes)
        }
        close(start..<scanner.position)
    }

    /// Notes where the event lies, once all of it was scanned.
    mutating func close(_ range: Range<Int>) {
        self.range = range
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
        let slice = slices[member.rawValue]
        return slice.count == 0 ? nil : slice
    }

    /// The bytes that the event takes as its sender wrote it.
    var byteCount: Int { range.count }

    /// The event as a tree, with all that its sender wrote, for source mappings.
    func object(in bytes: UnsafeBufferPointer<UInt8>) -> JSONObject {
        if range.isEmpty { return [:] }
        let whole = JSONSlice(start: range.lowerBound, end: range.upperBound, kind: .object, form: .disordered)
        return JSONValue(validated: whole, in: bytes).object ?? [:]
    }

    /// The words of the name, from which entity and action are taken.
    func words(in bytes: UnsafeBufferPointer<UInt8>) throws(EventRefusal) -> NameWords {
        guard let slice = self[.name] else { throw .nameRequired }
        guard slice.kind == .string else { throw .nameInvalid }
        guard slice.count > 2 else { throw .nameRequired }
        guard let words = NameWords(slice, in: bytes) else { throw .nameInvalid }
        return words
    }

    /// Why the event cannot be completed as it is; nil if it can.
    func refusal(in bytes: UnsafeBufferPointer<UInt8>) -> EventRefusal? {
        if kind != .object { return .notAnObject("\(kind)") }
        for member in [EventMember.globals, .user] where self[member]?.kind == .null { return .memberIsNull(member) }
        do throws(EventRefusal) {
            _ = try words(in: bytes)
            return nil
        } catch {
            return error
        }
    }

    private static func member(named name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> EventMember? {
        if name.form == .canonical {
            return EventMember(utf8: UnsafeBufferPointer(rebasing: bytes[Int(name.start) + 1..<Int(name.end) - 1]))
        }
        return JSONValue(validated: name, in: bytes).string.flatMap(EventMember.init(key:))
    }
}
