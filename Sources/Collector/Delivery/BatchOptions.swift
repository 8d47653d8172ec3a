import EventJSON

/// How long events are gathered before they are delivered together.
///
/// In JSON a number (the wait in milliseconds) or `{"wait": …, "size": …, "age": …}`.
public struct BatchOptions: Sendable, Equatable {
    /// Milliseconds of quiet after which the batch goes. Default 30 000.
    public var waitMilliseconds: Int?
    /// The number of events at which the batch goes at once. Default 1 000.
    public var size: Int?
    /// Milliseconds after its first event at which the batch goes. Default 30 000.
    public var ageMilliseconds: Int?

    /// Options with the given values; what is nil follows the destination's options or the default.
    public init(waitMilliseconds: Int? = nil, size: Int? = nil, ageMilliseconds: Int? = nil) {
        self.waitMilliseconds = waitMilliseconds
        self.size = size
        self.ageMilliseconds = ageMilliseconds
    }

    /// Reads the JSON form; nil if there is none.
    init?(_ value: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        func whole(_ value: JSONValue, _ name: [String], minimum: Int, problems: inout ConfigurationProblems) -> Int? {
            if value.isMissing { return nil }
            guard let number = value.number?.integer, number >= minimum else {
                problems.add(path + name, "is a whole number of at least \(minimum)")
                return nil
            }
            return number
        }
        switch value {
        case .missing: return nil
        case .number:
            self.init(waitMilliseconds: whole(value, [], minimum: 0, problems: &problems))
        case .object(let members):
            problems.refuseUnknownMembers(members.map(\.name), known: ["wait", "size", "age"], path: path, of: "batch")
            self.init(
                waitMilliseconds: whole(members["wait"], ["wait"], minimum: 0, problems: &problems),
                size: whole(members["size"], ["size"], minimum: 1, problems: &problems),
                ageMilliseconds: whole(members["age"], ["age"], minimum: 0, problems: &problems)
            )
        default:
            problems.add(path, "\"batch\" is milliseconds to wait, or an object of \"wait\", \"size\" and \"age\"")
            return nil
        }
    }
}
