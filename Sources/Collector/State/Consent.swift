public import EventJSON

/// Which consent an event, a destination, a rule or a value asks for.
///
/// One granted name of those required with a true value is enough. A name required with `false` can never be granted.
/// No names at all ask for nothing.
///
/// ```swift
/// let requirement = ConsentRequirement(["marketing": true, "analytics": true])
/// requirement.isSatisfied(by: ["analytics": true])  // true
/// ```
public struct ConsentRequirement: Sendable, Equatable {
    private let names: [String]
    /// The names as canonical JSON text, with quotes.
    private let quotedNames: [[UInt8]]
    /// Whether nothing is asked for.
    public let isEmpty: Bool

    /// The requirement written as in flow.json: name → true.
    public init(_ object: JSONObject) {
        isEmpty = object.isEmpty
        names = object.filter { $0.value.isTruthy }.map(\.name)
        quotedNames = names.map { JSONValue.string($0).jsonText }
    }

    /// Asks for nothing.
    public static let none = ConsentRequirement(JSONObject())

    /// Whether the granted states fulfil the requirement.
    public func isSatisfied(by states: JSONObject) -> Bool {
        isEmpty || names.contains { states[$0].isTruthy }
    }

    /// Whether an event's own consent fulfils the requirement.
    public func isSatisfied(by event: Event) -> Bool {
        let answer = event.withText(of: .consent) { isSatisfied(byTrueStates: $0, in: $1) } ?? nil
        return answer ?? isSatisfied(by: event[.consent].object ?? [:])
    }

    /// Whether states in canonical text fulfil the requirement; nil if they are not all `true`, so that what is
    /// granted has to be found out first.
    func isSatisfied(byTrueStates states: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> Bool? {
        guard states.kind == .object else { return nil }
        var members = JSONMemberCursor(states, in: bytes)
        while let (_, value) = members.next() {
            guard bytes[Int(value.start)] == UInt8(ascii: "t") else { return nil }
        }
        let lookup = JSONLookup(bytes)
        return isEmpty || quotedNames.contains { lookup.member($0, of: states) != nil }
    }
}

/// Consent states: name → whether it was given.
public enum ConsentStates {
    /// The states that are granted, as name → true: those of the collector, overruled by those of the event.
    ///
    /// Order: the collector's names first, then the event's.
    public static func granted(collector: JSONObject, event: JSONObject) -> JSONObject {
        var granted = JSONObject()
        for member in collector.assigning(event) where member.value.isTruthy { granted[member.name] = true }
        return granted
    }
}
