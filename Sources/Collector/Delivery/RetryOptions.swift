import EventJSON

/// How often and for how long an event is tried again that a destination may take later.
///
/// By default for as long as needed. In JSON `{"maxAttempts": 10, "maxAge": 3600000, "minDelay": 50, "maxDelay": 5000}`,
/// a number (`maxAttempts`), or false, which tries once.
public struct RetryOptions: Sendable, Equatable {
    /// Attempts after which the event is a dead letter, at least 1; nil: as many as needed.
    public var maximumAttemptCount: Int?
    /// Milliseconds from the first attempt after which the event is a dead letter, at least 1; nil: however long.
    public var maximumAgeMilliseconds: Int?
    /// The ceiling of the first pause in milliseconds, at least 1; it doubles with each failure in a row. Default 50.
    public var minimumDelayMilliseconds = 50
    /// The ceiling of the longest pause in milliseconds; what a destination asks for may be longer. Default 5 000.
    public var maximumDelayMilliseconds = 5000

    /// The defaults.
    public init() {}

    /// Reads the options; the defaults stand for what is missing or cannot be honoured.
    init(_ value: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        if value.isMissing || value == true { return }
        if value == false {
            maximumAttemptCount = 1
            return
        }
        let members: JSONObject = value.object ?? ["maxAttempts": value]
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: ["maxAge", "maxAttempts", "maxDelay", "minDelay"],
            path: path,
            of: "a retry"
        )
        for member in members {
            guard let number = member.value.number?.integer, number >= 1 else {
                problems.add(path + [member.name], "is a whole number of at least 1")
                continue
            }
            switch member.name {
            case "maxAge": maximumAgeMilliseconds = number
            case "maxAttempts": maximumAttemptCount = number
            case "maxDelay": maximumDelayMilliseconds = number
            case "minDelay": minimumDelayMilliseconds = number
            default: break
            }
        }
        if minimumDelayMilliseconds > maximumDelayMilliseconds {
            problems.add(path, "\"minDelay\" is at most \"maxDelay\"")
        }
    }

    /// Why an event is given up after that many attempts in that time; nil if it is not.
    func reasonToGiveUp(afterAttempts count: Int, spentMilliseconds: Int) -> String? {
        if let maximum = maximumAttemptCount, count >= maximum {
            return count == 1 ? "not tried again" : "given up after \(count) attempts"
        }
        if let maximum = maximumAgeMilliseconds, spentMilliseconds >= maximum {
            return "given up after \(spentMilliseconds) ms"
        }
        return nil
    }

    /// A random part of a time that doubles with each failure in a row, so that many who failed together do not come
    /// back together.
    func pauseMilliseconds(afterFailures count: Int) -> Int {
        var ceiling = minimumDelayMilliseconds
        for _ in 1..<max(count, 1) where ceiling < maximumDelayMilliseconds { ceiling *= 2 }
        return Int.random(in: 1...max(1, min(ceiling, maximumDelayMilliseconds)))
    }
}
