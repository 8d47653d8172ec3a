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
        let key: String
        var value: JSONValue
    }

    private let text: EventText
    private var changes: [Change] = []

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
        changes = others.map { Change(key: $0.name, value: $0.value) }
    }

    /// An event with just these members, as a source's mapping sees it before it is completed.
    init(partial object: JSONObject) {
        text = .empty
        changes = object.map { Change(key: $0.name, value: $0.value) }
    }

    /// The member's value; missing if mapping removed it.
    public subscript(member: EventMember) -> JSONValue {
        get { change(of: member.key) ?? text.value(member) }
        set { self[key: member.key] = newValue }
    }

    /// The value of any member, also of one outside the fifteen that a policy added.
    public subscript(key key: String) -> JSONValue {
        get {
            if let value = change(of: key) { return value }
            return EventMember(key: key).map(text.value) ?? .missing
        }
        set {
            if let position = changes.firstIndex(where: { $0.key == key }) {
                changes[position].value = newValue
            } else {
                changes.append(Change(key: key, value: newValue))
            }
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
        json.reserveCapacity(text.bytes.count + 64)
        appendJSON(to: &json)
        return json
    }

    /// Appends the event's compact JSON text.
    public func appendJSON(to json: inout [UInt8]) {
        if changes.isEmpty {
            json.append(contentsOf: text.bytes)
            return
        }
        json.append(UInt8(ascii: "{"))
        var isFirst = true
        for member in EventMember.allCases {
            let change = change(of: member.key)
            if change?.isMissing ?? text.isAbsent(member) { continue }
            member.prefix.withUTF8Buffer { prefix in
                json.append(contentsOf: UnsafeBufferPointer(rebasing: prefix[(isFirst ? 1 : 0)...]))
            }
            isFirst = false
            if let change {
                change.appendJSON(to: &json)
            } else {
                json.append(contentsOf: text.bytes[text.slice(member).range])
            }
        }
        for change in addedMembers {
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
        for member in EventMember.allCases where change(of: member.key) != nil || !text.isAbsent(member) {
            object[member.key] = self[member]
        }
        for change in addedMembers { object[change.key] = change.value }
        return object
    }

    private var addedMembers: [Change] {
        changes.filter { EventMember(key: $0.key) == nil && !$0.value.isMissing }
    }

    private func change(of key: String) -> JSONValue? {
        if changes.isEmpty { return nil }
        return changes.first { $0.key == key }?.value
    }

    /// The unchanged text of a member and the buffer it lies in, for look-ups without a tree; nil once it is changed.
    func withUnchangedText<Result>(
        of member: EventMember,
        _ body: (JSONSlice, UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result? {
        guard change(of: member.key) == nil, !text.isAbsent(member) else { return nil }
        return text.bytes.withUnsafeBufferPointer { body(text.slice(member), $0) }
    }
}
