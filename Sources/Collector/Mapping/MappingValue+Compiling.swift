import EventJSON

/// Compiles the parts of a mapping and collects what cannot be honoured.
struct MappingCompiler {
    let functions: MappingFunctions
    var problems = ConfigurationProblems()

    private static let valueMembers = ["condition", "consent", "fn", "key", "loop", "map", "set", "validate", "value"]

    /// A value or a list of values.
    mutating func list(_ value: JSONValue, path: [String]) -> MappingValueList {
        if case .array(let elements) = value {
            return MappingValueList(
                values: elements.enumerated().map { self.value($1, path: path + [String($0)]) }
            )
        }
        return MappingValueList(values: [self.value(value, path: path)])
    }

    private mutating func value(_ value: JSONValue, path: [String]) -> MappingValue {
        switch value {
        case .string(let text):
            if text.hasPrefix("$code:") {
                problems.add(
                    path,
                    "JavaScript cannot run here; use \"fn\" with named functions, \"condition\" or \"validate\""
                )
            }
            return .item(MappingItem(key: self.path(text)))
        case .object(let members):
            return members.isEmpty ? .nothing : .item(item(members, path: path))
        case .array(let elements):
            return .firstTruthy(elements.enumerated().map { self.value($1, path: path + [String($0)]) })
        case .null:
            problems.add(path, "null is not a mapping value; leave it out or write {\"value\": …}")
            return .failure
        case .missing: return .nothing
        case .bool, .number:
            problems.add(path, "a constant is written {\"value\": \(value)}; alone it would give nothing")
            return .nothing
        }
    }

    private func path(_ key: String) -> MemberPath? {
        key.isEmpty ? nil : MemberPath(key)
    }

    private mutating func item(_ members: JSONObject, path: [String]) -> MappingItem {
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: Self.valueMembers,
            path: path,
            of: "a mapping value"
        )
        if !members["key"].isMissing, members["key"].string == nil {
            problems.add(path + ["key"], "\"key\" is a path in quotes, not a \(members["key"].kindName)")
        }
        let condition = matcher("condition", of: members, path: path)
        let validate = matcher("validate", of: members, path: path)
        return MappingItem(
            key: self.path(members["key"].string ?? ""),
            condition: condition,
            consent: members["consent"].object.map(ConsentRequirement.init),
            functions: compiledFunctions(members["fn"], path: path + ["fn"]),
            textFunctions: functions.textFunctions(members["fn"]),
            structure: structure(members, path: path),
            validate: validate,
            constant: members["value"]
        )
    }

    private mutating func matcher(_ name: String, of members: JSONObject, path: [String]) -> Matcher? {
        guard members.contains(name) else { return nil }
        return Matcher(
            compiling: members[name],
            path: path + [name],
            conditions: functions.conditions,
            problems: &problems
        )
    }

    mutating func condition(_ value: JSONValue, path: [String]) -> Matcher? {
        if value.isMissing { return nil }
        return Matcher(compiling: value, path: path, conditions: functions.conditions, problems: &problems)
    }

    private mutating func structure(_ members: JSONObject, path: [String]) -> MappingItem.Structure {
        if members.contains("loop") {
            guard let pair = members["loop"].array, pair.count == 2 else {
                problems.add(
                    path + ["loop"],
                    "\"loop\" is [scope, item]: where the array is, and the value of each item"
                )
                return .none
            }
            let item = list(pair[1], path: path + ["loop", "1"])
            if pair[0].string == "this" { return .loop(scope: .this, item: item) }
            return .loop(scope: .value(list(pair[0], path: path + ["loop", "0"])), item: item)
        }
        if members.contains("map") {
            guard let entries = members["map"].object else {
                problems.add(path + ["map"], "\"map\" is an object: name → value")
                return .none
            }
            return .map(
                entries.map { MappingItem.Entry(name: $0.name, value: list($0.value, path: path + ["map", $0.name])) }
            )
        }
        if members.contains("set") {
            guard let elements = members["set"].array else {
                problems.add(path + ["set"], "\"set\" is an array of values")
                return .none
            }
            return .set(elements.enumerated().map { value($1, path: path + ["set", String($0)]) })
        }
        return .none
    }

    private mutating func compiledFunctions(_ value: JSONValue, path: [String]) -> [MappingFunction] {
        switch value {
        case .missing: return []
        case .array(let steps):
            return steps.enumerated().flatMap { compiledFunctions($1, path: path + [String($0)]) }
        case .string(let name):
            return function(name, arguments: .missing, path: path).map { [$0] } ?? []
        case .object(let members) where members.count == 1:
            let member = members.members[0]
            return function(member.name, arguments: member.value, path: path).map { [$0] } ?? []
        default:
            problems.add(path, "\"fn\" is a function's name, {name: arguments}, or an array of such")
            return []
        }
    }

    private mutating func function(_ name: String, arguments: JSONValue, path: [String]) -> MappingFunction? {
        guard let factory = functions.factories[name] else {
            let remedy =
                name.hasPrefix("$code:")
                ? "JavaScript cannot run here; known functions are \(functions.names.joined(separator: ", "))"
                : "unknown function; "
                    + (NearestName.find(name, in: functions.names).map { "did you mean \"\($0)\"?" }
                        ?? "known are \(functions.names.joined(separator: ", "))")
            problems.add(path, remedy)
            return nil
        }
        do {
            return try factory(arguments)
        } catch {
            problems.add(path, "\(name) \(error)")
            return nil
        }
    }
}
