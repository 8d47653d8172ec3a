import EventJSON

/// Reads the settings of a transformer or store and notes what is wrong with them.
struct StepSettings {
    let members: JSONObject
    let path: [String]
    let owner: String
    var problems: ConfigurationProblems

    init(_ settings: JSONValue, path: [String], of owner: String, _ problems: ConfigurationProblems) {
        self.path = path
        self.owner = owner
        self.problems = problems
        members = settings.object ?? [:]
        if !settings.isMissing, settings.object == nil { self.problems.add(path, "\"settings\" is an object") }
    }

    mutating func refuseUnknown(_ known: [String]) {
        problems.refuseUnknownMembers(members.map(\.name), known: known, path: path, of: "the settings of \(owner)")
    }

    mutating func boolean(_ name: String) -> Bool? {
        let value = members[name]
        if value.isMissing { return nil }
        if value.bool == nil { problems.add(path + [name], "is true or false") }
        return value.bool
    }

    mutating func string(_ name: String) -> String? {
        let value = members[name]
        if value.isMissing { return nil }
        if let text = value.string, !text.isEmpty { return text }
        problems.add(path + [name], "is a text that is not empty")
        return nil
    }

    mutating func whole(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        let value = members[name]
        if value.isMissing { return nil }
        if let number = value.number?.integer, range.contains(number) { return number }
        problems.add(path + [name], "is a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        let value = members[name]
        if value.isMissing { return nil }
        if let choice = value.string.flatMap(Choice.init(rawValue:)) { return choice }
        problems.add(path + [name], "is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    mutating func object(_ name: String, known: [String]) -> JSONObject {
        let value = members[name]
        if value.isMissing { return [:] }
        guard let object = value.object else {
            problems.add(path + [name], "is an object")
            return [:]
        }
        problems.refuseUnknownMembers(object.map(\.name), known: known, path: path + [name], of: "\"\(name)\"")
        for member in object where member.value.string == nil {
            problems.add(path + [name, member.name], "is a text")
        }
        return object
    }
}
