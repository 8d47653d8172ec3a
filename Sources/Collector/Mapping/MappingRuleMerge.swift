import EventJSON

/// Lays the rules of a user over those that a type ships.
///
/// A rule replaces the shipped one, unless it has `extend` (laid over the shipped rule; null takes a member away) or
/// `remove` (paths that are deleted from the data): then the shipped rule stands, changed.
enum MappingRuleMerge {
    private static let changes = ["extend", "remove"]

    /// One rule (walkerOS's `mergeMappingRule`).
    static func rule(_ base: JSONObject, _ override: JSONObject) -> JSONObject {
        if changes.allSatisfy({ override[$0].isMissing }) { return override }
        var result = base
        if let extend = override["extend"].object { patch(&result, extend) }
        for name in changes { result.remove(name) }
        if !override["remove"].isMissing { result["remove"] = override["remove"] }
        return result
    }

    /// JSON merge patch (RFC 7396), except that a missing member changes nothing.
    private static func patch(_ target: inout JSONObject, _ patch: JSONObject) {
        for member in patch {
            switch (member.value, target[member.name]) {
            case (.missing, _): continue
            case (.null, _): target.remove(member.name)
            case (.object(let changes), .object(var own)):
                self.patch(&own, changes)
                target[member.name] = .object(own)
            default: target[member.name] = member.value
            }
        }
    }

    /// A whole mapping: entity → action → rule. Rules of the user come last, so that shipped ones keep their place.
    static func mapping(
        _ base: JSONObject,
        _ override: JSONValue,
        path: [String],
        problems: inout ConfigurationProblems
    ) -> JSONValue {
        if base.isEmpty { return override }
        // What is no mapping is refused where it is compiled.
        if !override.isMissing, override.object == nil { return override }
        var result = base
        for entity in override.object ?? [:] {
            guard let actions = entity.value.object, var merged = result[entity.name].object else {
                result[entity.name] = entity.value
                continue
            }
            for action in actions {
                if let rule = action.value.object, let shipped = merged[action.name].object {
                    refuseMixture(rule, path: path + [entity.name, action.name], problems: &problems)
                    merged[action.name] = .object(self.rule(shipped, rule))
                } else {
                    merged[action.name] = action.value
                }
            }
            result[entity.name] = .object(merged)
        }
        return .object(result)
    }

    /// Members beside `extend` and `remove` would be left out in silence.
    private static func refuseMixture(_ rule: JSONObject, path: [String], problems: inout ConfigurationProblems) {
        if changes.allSatisfy({ rule[$0].isMissing }) { return }
        for member in rule where !changes.contains(member.name) {
            problems.add(
                path + [member.name],
                "stands beside \"extend\" or \"remove\", which change the shipped rule; write it inside \"extend\""
            )
        }
        if !rule["extend"].isMissing, rule["extend"].object == nil {
            problems.add(path + ["extend"], "\"extend\" is an object of a rule's members")
        }
    }
}
