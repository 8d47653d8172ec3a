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
        /// Which of the fifteen it is; nil for another.
        let member: EventMember?
        let key: String
        var value: JSONValue
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
        let value = try JSONValue(jsonText: jsonText, limits: .unbounded)
        guard let object = value.object else { throw JSONError(.unexpectedByte, at: 0) }
        var builder = EventTextBuilder(capacity: jsonText.count)
        var others = JSONObject()
        for member in object where EventMember(key: member.name) == nil { others[member.name] = member.value }
        for member in EventMember.allCases where object.contains(member.key) {
            builder.begin(member)
            builder.bytes.append(contentsOf: object[member.key].jsonText)
            builder.end(member)
        }
        text = builder.finish()
        changes = others.map { Change(member: nil, key: $0.name, value: $0.value) }
    }

    /// An event with just these members, as a source's mapping sees it before it is completed.
    init(partial object: JSONObject) {
        text = .empty
        for member in object { self[key: member.name] = member.value }
    }

    /// The member's value; missing if mapping removed it.
    public subscript(member: EventMember) -> JSONValue {
        get { position(of: member).map { changes[$0].value } ?? text.value(member) }
        set { change(member, key: member.key, to: newValue) }
    }

    /// The value of any member, also of one outside the fifteen that a policy added.
    public subscript(key key: String) -> JSONValue {
        get {
            if let member = EventMember(key: key) { return self[member] }
            return changes.first { $0.member == nil && $0.key == key }?.value ?? .missing
        }
        set { change(EventMember(key: key), key: key, to: newValue) }
    }

    private mutating func change(_ member: EventMember?, key: String, to value: JSONValue) {
        let place = member.map(position) ?? changes.firstIndex { $0.member == nil && $0.key == key }
        if let place {
            changes[place].value = value
        } else {
            if changes.isEmpty { changes.reserveCapacity(4) }
            if let member { changedMembers |= 1 << UInt16(member.rawValue) }
            changes.append(Change(member: member, key: key, value: value))
        }
    }

    /// About how many bytes of memory the event takes: those of its text.
    var byteCount: Int { text.bytes.count }

    /// "entity action".
    public var name: String { self[.name].string ?? "" }
    /// The event's id, the key by which duplicates are recognised.
    public var id: String { self[.id].string ?? "" }
    /// Whether the collector made the id, so that no sender can send it again.
    var hasOwnID: Bool { text.hasOwnID && position(of: .id) == nil }
    /// The first word of the name, or what the sender set.
    public var entity: String { self[.entity].string ?? "" }
    /// The second word of the name, or what the sender set.
    public var action: String { self[.action].string ?? "" }

    /// The event as compact JSON text, as `JSON.stringify` would write it. A copy: to append it to other text, use `appendJSON`.
    public var json: [UInt8] {
        if changes.isEmpty { return Array(text.bytes) }
        var json: [UInt8] = []
        json.reserveCapacity(text.bytes.count + changes.count * 64)
        appendJSON(to: &json)
        return json
    }

    /// Appends the event's compact JSON text.
    public func appendJSON(to json: inout [UInt8]) {
        if changes.isEmpty {
            json.append(contentsOf: text.bytes)
        } else {
            appendMembers(to: &json)
        }
    }

    private func appendMembers(to json: inout [UInt8]) {
        json.append(UInt8(ascii: "{"))
        var isFirst = true
        for member in EventMember.allCases {
            let place = position(of: member)
            if place.map({ changes[$0].value.isMissing }) ?? text.isAbsent(member) { continue }
            member.prefix.withUTF8Buffer { prefix in
                json.append(contentsOf: UnsafeBufferPointer(rebasing: prefix[(isFirst ? 1 : 0)...]))
            }
            isFirst = false
            if let place {
                changes[place].value.appendJSON(to: &json)
            } else {
                json.append(contentsOf: UnsafeBufferPointer(rebasing: text.bytes[text.slice(member).range]))
            }
        }
        appendAdded(to: &json, isFirst: isFirst)
    }

    /// Appends the members outside the fifteen and closes the object.
    private func appendAdded(to json: inout [UInt8], isFirst: Bool) {
        var isFirst = isFirst
        for change in changes where change.member == nil && !change.value.isMissing {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            change.key.appendJSON(to: &json)
            json.append(UInt8(ascii: ":"))
            change.value.appendJSON(to: &json)
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
        for change in changes where change.member == nil && !change.value.isMissing {
            object[change.key] = change.value
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
        if position(of: member) != nil { return nil }
        guard !text.isAbsent(member) else { return nil }
        return withExtendedLifetime(text) { body(text.slice(member), text.bytes) }
    }

    /// The text, if it is the whole event.
    var wholeText: EventText? {
        changes.isEmpty && text.isComplete ? text : nil
    }

    /// Puts another object in a member's place, in the text if the text is the whole event.
    mutating func replace(_ member: EventMember, by object: JSONObject) {
        guard let text = wholeText else { return self[member] = .object(object) }
        var edit = EventEdit(text)
        edit.replace(member, by: JSONValue.object(object).jsonText)
        self = Event(edit.text)
    }
}
