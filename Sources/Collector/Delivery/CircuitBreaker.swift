import EventJSON

/// Keeps a destination that fails again and again from being asked at all for a while. Its events wait meanwhile.
///
/// Closed, everything passes; after `threshold` failures in a row it opens, and nothing passes; after the cooldown it is
/// half open, and one batch passes as a probe: if that succeeds the breaker closes, else it opens again.
public struct CircuitBreaker: Sendable {
    /// When the breaker opens and how long it stays so.
    ///
    /// In JSON a number, the threshold, or `{"threshold": 5, "cooldown": 30000}`.
    public struct Options: Sendable, Equatable {
        /// Failures in a row that open it, at least 1. Default 5.
        public var threshold = 5
        /// Milliseconds until the next attempt, at least 1. Default 30 000.
        public var cooldownMilliseconds = 30_000

        /// The defaults.
        public init() {}

        /// Reads the options; nil if there are none.
        init?(_ value: JSONValue, path: [String], problems: inout ConfigurationProblems) {
            if value.isMissing || value == false { return nil }
            let members: JSONObject = value.object ?? ["threshold": value]
            problems.refuseUnknownMembers(
                members.map(\.name),
                known: ["cooldown", "threshold"],
                path: path,
                of: "a breaker"
            )
            for member in members {
                guard let number = member.value.number?.integer, number >= 1 else {
                    problems.add(path + [member.name], "is a whole number of at least 1")
                    continue
                }
                switch member.name {
                case "threshold": threshold = number
                case "cooldown": cooldownMilliseconds = number
                default: break
                }
            }
        }
    }

    let options: Options
    private(set) var phase = CollectorStatus.BreakerPhase.closed
    private(set) var consecutiveFailureCount = 0

    init(_ options: Options) {
        self.options = options
    }

    /// Whether a batch may pass, given how many are under way.
    func allows(inFlightCount: Int) -> Bool {
        switch phase {
        case .closed: true
        case .open: false
        case .halfOpen: inFlightCount == 0
        }
    }

    /// Notes that a batch was delivered; part of one is neither success nor failure.
    mutating func noteSuccess() {
        phase = .closed
        consecutiveFailureCount = 0
    }

    /// Notes that nothing of a batch was delivered; true if the breaker opens by that.
    mutating func noteFailure() -> Bool {
        consecutiveFailureCount += 1
        guard phase == .halfOpen || (phase == .closed && consecutiveFailureCount >= options.threshold) else {
            return false
        }
        phase = .open
        return true
    }

    /// Ends the cooldown.
    mutating func finishCooldown() {
        if phase == .open { phase = .halfOpen }
    }
}
