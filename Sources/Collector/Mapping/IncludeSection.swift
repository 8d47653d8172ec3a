import EventJSON

/// A part of the event that `include` copies into the mapped data, flattened: `data_id`, `user_address_city`.
enum IncludeSection: String, Sendable, CaseIterable {
    case data
    case globals
    case context
    case user
    case source
    case event

    static func list(_ value: JSONValue, path: [String], problems: inout ConfigurationProblems) -> [IncludeSection]? {
        if value.isMissing { return nil }
        guard let elements = value.array else {
            problems.add(path, "\"include\" is an array of sections: \(names)")
            return nil
        }
        return elements.enumerated().flatMap { index, element -> [IncludeSection] in
            if element.string == "all" { return allCases }
            if let section = element.string.flatMap(IncludeSection.init(rawValue:)) { return [section] }
            problems.add(path + [String(index)], "unknown section; known are \(names)")
            return []
        }
    }

    private static var names: String { (allCases.map(\.rawValue) + ["all"]).joined(separator: ", ") }

    /// The members that describe the event itself.
    private static let eventMembers: [EventMember] = [.entity, .action, .id, .timestamp, .name, .trigger, .timing]

    /// Adds the section's values to the object.
    func add(from event: Event, to object: inout JSONObject) {
        switch self {
        case .data: flatten(event[.data], under: "data", into: &object)
        case .globals: flatten(event[.globals], under: "globals", into: &object)
        case .user: flatten(event[.user], under: "user", into: &object)
        case .source: flatten(event[.source], under: "source", into: &object)
        case .context:
            for member in event[.context].object ?? [:] {
                let label = member.value.array.map { $0.first ?? .missing } ?? member.value
                Self.put(label, under: "context_\(member.name)", into: &object)
            }
        case .event:
            for member in Self.eventMembers { Self.put(event[member], under: "event_\(member.key)", into: &object) }
        }
    }

    private func flatten(_ value: JSONValue, under name: String, into object: inout JSONObject) {
        for member in value.object ?? [:] { Self.put(member.value, under: "\(name)_\(member.name)", into: &object) }
    }

    private static func put(_ value: JSONValue, under name: String, into object: inout JSONObject) {
        switch value {
        case .missing: return
        case .object(let members):
            for member in members { put(member.value, under: "\(name)_\(member.name)", into: &object) }
        default: object[name] = value
        }
    }
}
