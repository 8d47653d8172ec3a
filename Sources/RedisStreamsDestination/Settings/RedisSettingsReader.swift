import Collector
import EventJSON

/// Reads members of one settings object and collects what is wrong with them.
struct RedisSettingsReader {
    /// Where the object stands, for messages.
    let path: [String]
    let members: JSONObject
    private(set) var problems: ConfigurationProblems

    init(_ members: JSONObject, path: [String], problems: ConfigurationProblems) {
        self.path = path
        self.members = members
        self.problems = problems
    }

    /// A text; nil when the member is missing or null.
    mutating func text(_ name: String) -> String? {
        value(name, "a text") { $0.string }
    }

    /// True or false; nil when the member is missing or null.
    mutating func flag(_ name: String) -> Bool? {
        value(name, "true or false") { $0.bool }
    }

    /// A whole number in a range; nil when the member is missing or null.
    ///
    /// - Parameter allowsText: Digits in a text are a number, too: what an environment variable gives.
    mutating func wholeNumber(_ name: String, in range: ClosedRange<Int>, allowsText: Bool = false) -> Int? {
        let kind = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return value(name, range.upperBound == .max ? "a whole number of at least \(range.lowerBound)" : kind) {
            value in
            if allowsText, let text = value.string {
                return RedisOptions.wholeNumber(text[...], in: range)
            }
            return value.number?.integer.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A whole number of milliseconds; nil when the member is missing or null.
    mutating func milliseconds(_ name: String, in range: ClosedRange<Int>) -> Duration? {
        wholeNumber(name, in: range).map { .milliseconds($0) }
    }

    /// An object; nil when the member is missing or null.
    mutating func object(_ name: String) -> JSONObject? {
        value(name, "an object") { $0.object }
    }

    /// Notes a problem with a member.
    mutating func refuse(_ name: String, _ message: String) {
        problems.add(path + [name], message)
    }

    /// Notes the sentence that a check throws.
    mutating func check(_ name: String, _ check: () throws(RedisError) -> Void) {
        do throws(RedisError) {
            try check()
        } catch {
            refuse(name, error.message)
        }
    }

    /// Refuses every member with another name.
    mutating func refuseUnknown(_ known: [String]) {
        let owner = path.joined(separator: ".")
        problems.refuseUnknownMembers(members.map(\.name), known: known, path: path, of: owner)
    }

    /// Reads an object inside this one.
    mutating func read(_ name: String, _ members: JSONObject, _ body: (inout RedisSettingsReader) -> Void) {
        var reader = RedisSettingsReader(members, path: path + [name], problems: problems)
        body(&reader)
        problems = reader.problems
    }

    private mutating func value<Value>(_ name: String, _ kind: String, _ read: (JSONValue) -> Value?) -> Value? {
        let value = members[name]
        if value.isMissing || value.isNull { return nil }
        if let result = read(value) { return result }
        // A number is shown, it is no secret; of anything else only the kind.
        let found = value.number?.text ?? "a \(value.kindName)"
        refuse(name, "must be \(kind), not \(found)")
        return nil
    }
}
