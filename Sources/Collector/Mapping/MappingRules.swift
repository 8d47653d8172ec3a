import EventJSON

/// The rules of a mapping by entity and action, with `*` for any.
struct MappingRules: Sendable {
    /// One place in the mapping: rules tried in order until one's condition holds.
    private struct Place: Sendable {
        let key: String
        let rules: [MappingRule]
    }

    private let places: [ExactString: [ExactString: Place]]
    private let anyEntity: [ExactString: Place]?
    private let anything: Place?
    private static let any = ExactString("*")

    init(_ value: JSONValue, path: [String], compiler: inout MappingCompiler) {
        var places: [ExactString: [ExactString: Place]] = [:]
        if value.object == nil {
            compiler.problems.add(path, "a mapping is an object: entity → action → rule, with \"*\" for any")
        }
        for entity in value.object ?? [:] {
            guard let actions = entity.value.object else {
                compiler.problems.add(path + [entity.name], "an entity is an object: action → rule")
                continue
            }
            if entity.name.contains(" ") {
                compiler.problems.add(
                    path + [entity.name],
                    "write the entity and the action as two levels: {\"entity\": {\"action\": rule}}"
                )
            }
            var compiled: [ExactString: Place] = [:]
            for action in actions {
                let rules = Self.rules(action.value, path: path + [entity.name, action.name], compiler: &compiler)
                compiled[ExactString(action.name)] = Place(key: "\(entity.name) \(action.name)", rules: rules)
            }
            places[ExactString(entity.name)] = compiled
        }
        self.places = places
        anyEntity = places[Self.any]
        anything = anyEntity?[Self.any]
    }

    private static func rules(_ value: JSONValue, path: [String], compiler: inout MappingCompiler) -> [MappingRule] {
        switch value {
        case .object(let members): return [MappingRule(members, path: path, compiler: &compiler)]
        case .array(let elements):
            return elements.enumerated().flatMap { rules($1, path: path + [String($0)], compiler: &compiler) }
        case .bool(true):
            return [MappingRule(JSONObject(), path: path, compiler: &compiler)]
        case .bool(false), .missing: return []
        default:
            compiler.problems.add(path, "a rule is an object, or an array of rules with conditions")
            return []
        }
    }

    /// The rule for the event's name and its key; ("", no rule) if none fits, nil if the name has not two words.
    func rule(for event: Event) -> (MappingRule?, String?) {
        guard let (entity, action) = words(of: event) else { return (nil, nil) }
        if let actions = places[entity] ?? anyEntity, let place = actions[action] ?? actions[Self.any],
            let rule = first(of: place, for: event)
        {
            return (rule, place.key)
        }
        if let anything, let rule = first(of: anything, for: event) { return (rule, anything.key) }
        return (nil, "")
    }

    private func words(of event: Event) -> (entity: ExactString, action: ExactString)? {
        var words: (ExactString, ExactString)?
        let isFound = event.withText(of: .name) { name, bytes in
            guard name.kind == .string, case .ranges(let entity, let action) = NameWords(name, in: bytes) else {
                return false
            }
            words = (
                ExactString(String(decoding: UnsafeBufferPointer(rebasing: bytes[entity]), as: UTF8.self)),
                ExactString(String(decoding: UnsafeBufferPointer(rebasing: bytes[action]), as: UTF8.self))
            )
            return true
        }
        if isFound == true { return words }
        return EventName.words(event.name).map { (ExactString($0.entity), ExactString($0.action)) }
    }

    private func first(of place: Place, for event: Event) -> MappingRule? {
        place.rules.first { rule in
            rule.condition?.matches(MatcherSubject(event: event, value: .missing)) ?? true
        }
    }
}
