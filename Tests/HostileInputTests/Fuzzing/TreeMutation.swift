import EventJSON

/// Changes a JSON value at random places, so that what comes out is JSON but not what anyone meant.
enum TreeMutation {
    private static let scalars: [JSONValue] = [
        nil, true, false, 0, -1, 1e21, 1.5, "", "*", "this", "data.value", "data.*.id", "event.data", "value.0", ".",
        "..",
        "$env.X", "$secret.X", "$var.x", "$flow.other.x", "$contract.a.b", "$store:s", "$code:(a)=>a", "a b", "😀",
        .number(JSONNumber(Int.max)), .number(JSONNumber(Int.min)), [], [:], [nil], ["": ""], "regex", "exists",
        "^(a|b)*$", "((a{9}){9}){9}", "0640", "memory", "file", "redis", "http",
    ]
    private static let names = [
        "", "*", "key", "value", "fn", "map", "loop", "set", "condition", "consent", "policy", "mapping", "data",
        "name",
        "ignore", "batch", "settings", "package", "config", "and", "or", "not", "operator", "include", "remove",
        "extend",
        "next", "before", "case", "many", "cache", "rotation", "paths", "keys", "variables", "contract", "retry",
        "breaker",
    ]

    /// Applies one to three changes.
    static func mutate(_ value: JSONValue, with generator: inout SeededGenerator) -> JSONValue {
        var value = value
        let donor = value
        for _ in 0...generator.next(below: 3) { value = changed(value, donor, &generator) }
        return value
    }

    private static func changed(
        _ value: JSONValue,
        _ donor: JSONValue,
        _ generator: inout SeededGenerator
    ) -> JSONValue {
        let isHere = generator.next(below: 6) == 0
        switch value {
        case .object(let members) where !isHere && !members.isEmpty:
            let target = generator.next(below: members.count)
            var object = JSONObject()
            let change = generator.next(below: 8)
            for (place, member) in members.enumerated() {
                switch (place == target, change) {
                case (true, 0): continue
                case (true, 1): object[generator.one(of: names)] = member.value
                case (true, _): object[member.name] = changed(member.value, donor, &generator)
                case (false, _): object[member.name] = member.value
                }
            }
            if change == 2 { object[generator.one(of: names)] = part(of: donor, &generator) }
            return .object(object)
        case .array(var elements) where !isHere && !elements.isEmpty:
            let target = generator.next(below: elements.count)
            switch generator.next(below: 5) {
            case 0: elements.remove(at: target)
            case 1: elements.insert(part(of: donor, &generator), at: target)
            default: elements[target] = changed(elements[target], donor, &generator)
            }
            return .array(elements)
        default:
            return generator.next(below: 3) == 0 ? part(of: donor, &generator) : generator.one(of: scalars)
        }
    }

    /// Some value from inside another.
    private static func part(of value: JSONValue, _ generator: inout SeededGenerator) -> JSONValue {
        if generator.next(below: 4) == 0 { return value }
        switch value {
        case .object(let members) where !members.isEmpty:
            return part(of: members.members[generator.next(below: members.count)].value, &generator)
        case .array(let elements) where !elements.isEmpty:
            return part(of: elements[generator.next(below: elements.count)], &generator)
        default: return value
        }
    }
}
