package import EventJSON

/// Reads the settings of a destination, transformer or store and notes what is wrong with them.
package struct SettingsReader {
    package let members: JSONObject
    package let path: [String]
    package var problems: ConfigurationProblems

    package init(
        _ settings: JSONValue,
        path: [String],
        known: [String],
        of owner: String,
        _ problems: inout ConfigurationProblems
    ) {
        self.path = path
        self.problems = problems
        members = settings.object ?? [:]
        if !settings.isMissing, settings.object == nil { self.problems.add(path, "\"settings\" is an object") }
        self.problems.refuseUnknownMembers(
            members.map(\.name),
            known: known,
            path: path,
            of: "the settings of \(owner)"
        )
    }

    package mutating func string(_ name: String) -> String? {
        let value = members[name]
        if value.isMissing { return nil }
        if let string = value.string, !string.isEmpty { return string }
        problems.add(path + [name], "is a text that is not empty")
        return nil
    }

    package mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type)
        -> Choice?
    where Choice.RawValue == String {
        let value = members[name]
        if value.isMissing { return nil }
        if let choice = value.string.flatMap(Choice.init(rawValue:)) { return choice }
        problems.add(path + [name], "is one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    package mutating func whole(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        let value = members[name]
        if value.isMissing { return nil }
        if let number = value.number?.integer, range.contains(number) { return number }
        problems.add(path + [name], "is a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    package mutating func strings(_ name: String) -> [String]? {
        let value = members[name]
        if value.isMissing { return nil }
        if let elements = value.array, elements.allSatisfy({ $0.string != nil }) {
            return elements.compactMap(\.string)
        }
        problems.add(path + [name], "is an array of texts")
        return nil
    }

    package mutating func boolean(_ name: String) -> Bool? {
        let value = members[name]
        if value.isMissing { return nil }
        if value.bool == nil { problems.add(path + [name], "is true or false") }
        return value.bool
    }

    /// An object of texts; empty if there is none.
    package mutating func texts(_ name: String, known: [String]) -> JSONObject {
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
