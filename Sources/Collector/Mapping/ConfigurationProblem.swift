/// Something in a configuration that cannot be honoured: where it stands, what is wrong, and what to write instead.
public struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The member names and array indices that lead to the place.
    public let path: [String]
    /// What is wrong and what to write instead. Never a secret's value.
    public let message: String

    /// A problem at that place.
    public init(path: [String], message: String) {
        self.path = path
        self.message = message
    }

    /// The place and the message: `destinations.redis.config.mapping: …`.
    public var description: String {
        path.isEmpty ? message : "\(path.joined(separator: ".")): \(message)"
    }
}

/// Collects every problem of a configuration, so that all are told at once.
public struct ConfigurationProblems: Sendable {
    /// The problems found so far.
    public private(set) var list: [ConfigurationProblem] = []

    /// No problems yet.
    public init() {}

    /// Whether none was found.
    public var isEmpty: Bool { list.isEmpty }

    /// Notes a problem at that place.
    public mutating func add(_ path: [String], _ message: String) {
        list.append(ConfigurationProblem(path: path, message: message))
    }

    /// Notes members that nobody knows, with the nearest known name.
    public mutating func refuseUnknownMembers(
        _ names: some Sequence<String>,
        known: [String],
        path: [String],
        of owner: String
    ) {
        for name in names where !known.contains(name) {
            let hint = NearestName.find(name, in: known).map { "did you mean \"\($0)\"?" }
            add(
                path + [name],
                "unknown member of \(owner); " + (hint ?? "known are \(known.sorted().joined(separator: ", "))")
            )
        }
    }
}

/// Finds what a misspelt name may have meant.
public enum NearestName {
    /// The candidate with the fewest edits, if it is near enough to be meant.
    public static func find(_ name: String, in candidates: some Sequence<String>) -> String? {
        let best = candidates.map { (name: $0, distance: distance(name.lowercased(), $0.lowercased())) }
            .min { $0.distance < $1.distance }
        guard let best, best.distance <= max(2, name.count / 3) else { return nil }
        return best.name
    }

    /// The Levenshtein distance of two short names.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.prefix(64))
        var previous = Array(0...right.count)
        for (row, character) in left.prefix(64).enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let substitution = previous[column] + (character == other ? 0 : 1)
                current.append(min(substitution, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
