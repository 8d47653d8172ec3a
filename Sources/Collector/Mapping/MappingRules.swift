import EventJSON

/// The rules of a mapping by entity and action, with `*` for any.
struct MappingRules: Sendable {
    /// One place in the mapping: rules tried in order until one's condition holds.
    private struct Place: Sendable {
        let key: String
        let rules: [MappingRule]
    }

    private let places: RuleTable<RuleTable<Place>>
    private let anyEntity: RuleTable<Place>?
    private let anything: Place?
    private static let any = "*"

    init(_ value: JSONValue, path: [String], compiler: inout MappingCompiler) {
        var places: [(name: String, value: RuleTable<Place>)] = []
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
            var compiled: [(name: String, value: Place)] = []
            for action in actions {
                let rules = Self.rules(action.value, path: path + [entity.name, action.name], compiler: &compiler)
                let place = Place(
                    key: "\(entity.name) \(action.name)",
                    rules: rules
                )
                compiled.append((action.name, place))
            }
            places.append((entity.name, RuleTable(compiled)))
        }
        self.places = RuleTable(places)
        anyEntity = self.places[Self.any]
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
        let name = JSONValue.string(event.name).jsonText
        return rule(named: JSONSlice(start: 0, end: name.count, kind: .string, form: .canonical), in: name) { event }
    }

    /// The rule for a name that is canonical JSON text; the event is asked for only if a rule has a condition.
    func rule(named name: JSONSlice, in text: [UInt8], event: () -> Event) -> (MappingRule?, String?) {
        text.withUnsafeBufferPointer { bytes in
            guard name.kind == .string, let words = NameWords(name, in: bytes) else { return (nil, nil) }
            if let actions = words.withEntity(of: bytes, { places[$0] }) ?? anyEntity,
                let place = words.withAction(of: bytes, { actions[$0] }) ?? actions[Self.any],
                let rule = first(of: place, for: event)
            {
                return (rule, place.key)
            }
            if let anything, let rule = first(of: anything, for: event) { return (rule, anything.key) }
            return (nil, "")
        }
    }

    private func first(of place: Place, for event: () -> Event) -> MappingRule? {
        place.rules.first { rule in
            rule.condition?.matches(MatcherSubject(event: event(), value: .missing)) ?? true
        }
    }
}
