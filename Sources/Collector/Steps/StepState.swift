import EventJSON

/// A value that a step fetches from a store before its work, or keeps there after it.
///
/// ```json
/// {"mode": "set", "key": "user.session", "value": "data.gclid"}
/// {"mode": "get", "key": "user.session", "value": "data.gclid"}
/// ```
///
/// `key` is a value of the event that must be a text; else nothing happens. To keep, `value` says what of the event; to
/// fetch, it is the path where the fetched value goes.
public struct StepState: Sendable {
    enum Action: Sendable {
        case get(MemberPath)
        case set(ValueMapping)
    }

    let action: Action
    let key: ValueMapping
    let store: String?
    let path: [String]

    init?(
        _ value: JSONValue,
        functions: MappingFunctions,
        path: [String],
        problems: inout ConfigurationProblems
    ) {
        guard let members = value.object else {
            problems.add(path, "\"state\" is an object with \"mode\", \"key\" and \"value\"")
            return nil
        }
        let known = ["key", "mode", "store", "value"]
        problems.refuseUnknownMembers(members.map(\.name), known: known, path: path, of: "a state")
        if !members["store"].isMissing, members["store"].string == nil { problems.add(path + ["store"], "is a text") }
        if members["key"].isMissing {
            problems.add(path + ["key"], "is a value of the event, such as \"user.session\"")
        }
        self.path = path
        store = members["store"].string
        key = ValueMapping(members["key"], functions: functions, path: path + ["key"], problems: &problems)
        switch members["mode"].string {
        case "set":
            if members["value"].isMissing { problems.add(path + ["value"], "says what of the event is kept") }
            action = .set(
                ValueMapping(members["value"], functions: functions, path: path + ["value"], problems: &problems)
            )
        case "get":
            guard let target = members["value"].string ?? members["value"]["key"].string, !target.isEmpty else {
                problems.add(path + ["value"], "is the path in the event where the fetched value goes")
                return nil
            }
            action = .get(MemberPath(target))
        default:
            problems.add(path + ["mode"], "is \"get\" or \"set\"")
            return nil
        }
    }

    var isGet: Bool { if case .get = action { true } else { false } }
}
