public import EventJSON

/// A complete event: fifteen members, always in the same order.
///
/// An event is immutable JSON text plus the few members that mapping changed. Reading a member parses only that
/// member; an event that nothing changed leaves as the very bytes it was built from.
///
/// ```swift
/// event.name              // "product view"
/// event[.data]["id"]      // "p1"
/// event.json              // {"name":"product view","data":{…},…}
/// ```
///
/// Events are made by a `Collector` from a `PartialEvent`. The model is walkerOS 4's
/// ([Event model](https://www.walkeros.io/docs/core/event-model)).
public struct Event: Sendable {
    /// A member whose value differs from the text's, or that the text does not have.
    private struct Change: Sendable {
        enum Content: Sendable {
            case value(JSONValue)
            /// Canonical text.
            case text([UInt8])

            var value: JSONValue {
                switch self {
                case .value(let value): value
                case .text(let bytes):
                    bytes.withUnsafeBufferPointer { JSONValue(validated: JSONSlice(whole: $0), in: $0) }
                }
            }

            var isMissing: Bool {
                if case .value(.missing) = self { true } else { false }
            }

            func appendJSON(to json: inout [UInt8]) {
                switch self {
                case .value(let value): value.appendJSON(to: &json)
                case .text(let bytes): json.append(contentsOf: bytes)
                }
            }
        }

        /// Which of the fifteen it is; nil for another.
        let member: EventMember?
        let key: String
        var content: Content

        /// About how many bytes the value takes.
        var expectedCount: Int {
            switch content {
            case .text(let bytes): bytes.count
            case .value: 64
            }
        }
    }

    private let text: EventText
    private var changes: [Change] = []
    /// A bit for each of the fifteen that is among the changes.
    private var changedMembers: UInt16 = 0

    init(_ text: EventText) {
        self.text = text
    }

    /// An event that was written before: its text is taken as it is, completed or not.
    ///
    /// - Throws: `JSONError` if the text is not one JSON object.
    package init(jsonText: [UInt8]) throws(JSONError) {
        let value = try JSONValue(jsonText: jsonText, limits: JSONLimits(maximumByteCount: .max))
        guard let object = value.object else { throw JSONError(.unexpectedByte, at: 0) }
        var builder = EventTextBuilder(capacity: jsonText.count)
        var others = JSONObject()
        for member in object where EventMember(key: member.name) == nil { others[member.name] = member.value }
        for member in EventMember.allCases where object.contains(member.key) {
            builder.begin(member)
            object[member.key].appendJSON(to: &builder.bytes)
            builder.end(member)
        }
        text = builder.finish()
        changes = others.map { Change(member: nil, key: $0.name, content: .value($0.value)) }
    }

    /// An event with just these members, as a source's mapping sees it before it is completed.
    init(partial object: JSONObject) {
        text = .empty
        for member in object { self[key: member.name] = member.value }
    }

    /// The member's value; missing if mapping removed it.
    public subscript(member: EventMember) -> JSONValue {
        get { position(of: member).map { changes[$0].content.value } ?? text.value(member) }
        set { change(member, key: member.key, to: .value(newValue)) }
    }

    /// The value of any member, also of one outside the fifteen that a policy added.
    public subscript(key key: String) -> JSONValue {
        get {
            if let member = EventMember(key: key) { return self[member] }
            return changes.first { $0.member == nil && $0.key == key }?.content.value ?? .missing
        }
        set { change(EventMember(key: key), key: key, to: .value(newValue)) }
    }

    private mutating func change(_ member: EventMember?, key: String, to content: Change.Content) {
        let place = member.map(position) ?? changes.firstIndex { $0.member == nil && $0.key == key }
        if let place {
            changes[place].content = content
        } else {
            if changes.isEmpty { changes.reserveCapacity(4) }
            if let member { changedMembers |= 1 << UInt16(member.rawValue) }
            changes.append(Change(member: member, key: key, content: content))
        }
    }

    /// "entity action".
    public var name: String { self[.name].string ?? "" }
    /// The event's id, the key by which duplicates are recognised.
    public var id: String { self[.id].string ?? "" }
    /// The first word of the name, or what the sender set.
    public var entity: String { self[.entity].string ?? "" }
    /// The second word of the name, or what the sender set.
    public var action: String { self[.action].string ?? "" }

    /// The event as compact JSON text, as `JSON.stringify` would write it. No copy unless mapping changed the event.
    public var json: [UInt8] {
        if changes.isEmpty { return text.bytes }
        var json: [UInt8] = []
        json.reserveCapacity(text.bytes.count + changes.reduce(64) { $0 + $1.expectedCount })
        appendJSON(to: &json)
        return json
    }

    /// Appends the event's compact JSON text.
    public func appendJSON(to json: inout [UInt8]) {
        if changes.isEmpty {
            json.append(contentsOf: text.bytes)
        } else if text.isComplete, !changes.contains(where: \.content.isMissing) {
            appendRuns(to: &json)
        } else {
            appendMembers(to: &json)
        }
    }

    /// Appends the runs of text between the changed members, and those.
    private func appendRuns(to json: inout [UInt8]) {
        text.bytes.withUnsafeBufferPointer { bytes in
            var position = 0
            for member in EventMember.allCases {
                guard let place = self.position(of: member) else { continue }
                let slice = text.slice(member)
                json.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<Int(slice.start)]))
                changes[place].content.appendJSON(to: &json)
                position = Int(slice.end)
            }
            json.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position..<bytes.count - 1]))
        }
        appendAdded(to: &json, isFirst: false)
    }

    private func appendMembers(to json: inout [UInt8]) {
        json.append(UInt8(ascii: "{"))
        var isFirst = true
        for member in EventMember.allCases {
            let place = position(of: member)
            if place.map({ changes[$0].content.isMissing }) ?? text.isAbsent(member) { continue }
            member.prefix.withUTF8Buffer { prefix in
                json.append(contentsOf: UnsafeBufferPointer(rebasing: prefix[(isFirst ? 1 : 0)...]))
            }
            isFirst = false
            if let place {
                changes[place].content.appendJSON(to: &json)
            } else {
                json.append(contentsOf: text.bytes[text.slice(member).range])
            }
        }
        appendAdded(to: &json, isFirst: isFirst)
    }

    /// Appends the members outside the fifteen and closes the object.
    private func appendAdded(to json: inout [UInt8], isFirst: Bool) {
        var isFirst = isFirst
        for change in changes where change.member == nil && !change.content.isMissing {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            change.key.appendJSON(to: &json)
            json.append(UInt8(ascii: ":"))
            change.content.appendJSON(to: &json)
        }
        json.append(UInt8(ascii: "}"))
    }

    /// The event as an object, its members in the order in which they are written.
    public var object: JSONObject {
        var object = JSONObject()
        object.reserveCapacity(EventMember.allCases.count)
        for member in EventMember.allCases where position(of: member) != nil || !text.isAbsent(member) {
            object[member.key] = self[member]
        }
        for change in changes where change.member == nil && !change.content.isMissing {
            object[change.key] = change.content.value
        }
        return object
    }

    private func position(of member: EventMember) -> Int? {
        if changedMembers & 1 << UInt16(member.rawValue) == 0 { return nil }
        return changes.firstIndex { $0.member == member }
    }

    /// Lends a member's text and the buffer it lies in, for look-ups without a tree; nil if there is none.
    func withText<Result>(
        of member: EventMember,
        _ body: (JSONSlice, UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result? {
        if let place = position(of: member) {
            guard case .text(let bytes) = changes[place].content else { return nil }
            return bytes.withUnsafeBufferPointer { body(JSONSlice(whole: $0), $0) }
        }
        guard !text.isAbsent(member) else { return nil }
        return text.bytes.withUnsafeBufferPointer { body(text.slice(member), $0) }
    }

    /// Puts another canonical text in a member's place.
    mutating func replaceText(of member: EventMember, by text: [UInt8]) {
        change(member, key: member.key, to: .text(text))
    }
}
