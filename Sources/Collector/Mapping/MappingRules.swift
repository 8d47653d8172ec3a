import EventJSON

/// The rules of a mapping by entity and action, with `*` for any.
struct MappingRules: Sendable {
    /// One place in the mapping: rules tried in order until one's condition holds.
    final class Place: Sendable {
        let key: String
        let rules: [MappingRule]

        init(key: String, rules: [MappingRule]) {
            self.key = key
            self.rules = rules
        }
    }

    private let places: RuleTable<RuleTable<Place>>
    private let anyEntity: RuleTable<Place>?
    private let anything: Place?
    /// The batch options of all rules that have some.
    let batchOptions: [BatchOptions]
    private static let any = "*"

    init(_ value: JSONValue, path: [String], compiler: inout MappingCompiler) {
        var places: [(name: String, value: RuleTable<Place>)] = []
        var batchOptions: [BatchOptions] = []
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
                let place = Place(key: "\(entity.name) \(action.name)", rules: rules)
                batchOptions += rules.compactMap(\.batch)
                compiled.append((action.name, place))
            }
            places.append((entity.name, RuleTable(compiled)))
        }
        self.places = RuleTable(places)
        self.batchOptions = batchOptions
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
        let places = name.withUnsafeBufferPointer { self.places(named: JSONSlice(whole: $0), in: $0) }
        guard let places else { return (nil, nil) }
        for place in [places.named, places.any] {
            if let place, let rule = place.rules.first(where: { $0.applies(to: event) }) { return (rule, place.key) }
        }
        return (nil, "")
    }

    /// The places whose rules are tried for a name in canonical text, one after the other; nil if the name has not two
    /// words.
    func places(named name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> (named: Place?, any: Place?)? {
        guard name.kind == .string, let words = NameWords(name, in: bytes) else { return nil }
        let actions = words.withEntity(of: bytes) { places[$0] } ?? anyEntity
        let place = actions.flatMap { actions in words.withAction(of: bytes) { actions[$0] } ?? actions[Self.any] }
        return (place, anything)
    }
}
