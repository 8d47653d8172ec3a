import EventJSON

/// Everything that is wrong with the settings of a Redis destination, at once.
///
/// Each problem names the setting by its path and says what to write instead; none repeats a value that may be secret.
public struct RedisSettingsError: Error, Sendable, Hashable {
    /// One thing that is wrong.
    public struct Problem: Sendable, Hashable {
        /// The setting, for example `settings.redis.maxLen`.
        public let path: String
        /// A sentence that names the setting and the remedy.
        public let message: String
    }

    /// What is wrong, in the order in which the settings are documented; at least one.
    public let problems: [Problem]
}

extension RedisSettingsError: CustomStringConvertible {
    /// The messages, separated by semicolons.
    public var description: String {
        problems.map(\.message).joined(separator: "; ")
    }
}

/// Reads members of one settings object and collects what is wrong with them.
struct RedisSettingsReader {
    /// The path of the object, for messages.
    let path: String
    let members: JSONObject
    private(set) var problems: [RedisSettingsError.Problem] = []

    init(path: String, members: JSONObject) {
        self.path = path
        self.members = members
    }

    /// Notes a problem with a member; the message is put after the member's path.
    mutating func refuse(_ name: String, _ message: String) {
        let path = "\(path).\(name)"
        problems.append(.init(path: path, message: "\(path) \(message)"))
    }

    /// Notes a problem with its own wording.
    mutating func refuse(_ name: String, sentence: String) {
        problems.append(.init(path: "\(path).\(name)", message: sentence))
    }

    /// Takes over what another reader found.
    mutating func append(_ other: [RedisSettingsError.Problem]) {
        problems += other
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
        value(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") { value in
            if allowsText, let text = value.string {
                return RedisOptions.wholeNumber(text[...], in: range)
            }
            return value.number?.integer.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// An object; nil when the member is missing or null.
    mutating func object(_ name: String) -> JSONObject? {
        value(name, "an object") { $0.object }
    }

    /// Refuses every member with another name.
    mutating func refuseUnknown(_ known: [String]) {
        for member in members where !known.contains(member.name) {
            let hint = NearestName.hint(for: member.name, among: known)
            let name = RedisText.printable(member.name.utf8)
            refuse(name, "is unknown\(hint): known are \(known.joined(separator: ", "))")
        }
    }

    private mutating func value<Value>(_ name: String, _ kind: String, _ read: (JSONValue) -> Value?) -> Value? {
        let value = members[name]
        if value.isMissing || value.isNull { return nil }
        if let result = read(value) { return result }
        refuse(name, "must be \(kind)\(Self.found(value))")
        return nil
    }

    private static func found(_ value: JSONValue) -> String {
        // A number is shown, it is no secret; of anything else only the kind.
        switch value {
        case .number(let number): ", not \(RedisText.printable(number.text.utf8))"
        default: ", not \(value.kindName)"
        }
    }
}
