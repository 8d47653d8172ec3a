import EventJSON

/// Sorts a delivery's outcomes: what is done, what failed, what is to be tried again and when.
struct DeliverySettlement {
    private(set) var deliveredCount = 0
    /// The positions of what failed, with the reasons.
    private(set) var failed: [(position: Int, reason: String)] = []
    /// The positions of what is to be tried again.
    private(set) var retrying: [Int] = []
    /// Why the last of these is to be tried again.
    private(set) var retryReason: String?
    /// Milliseconds since the first attempt, if something is to be tried again.
    private(set) var spentMilliseconds = 0
    private var askedDelayMilliseconds = 0
    private let options: RetryOptions

    /// Sorts outcomes; what has none may have been delivered or not, for that reason.
    init(
        batch: OutgoingBatch,
        outcomes: [DeliveryOutcome],
        options: RetryOptions,
        nowMilliseconds: @autoclosure () -> Int,
        missingReason: String
    ) {
        self.options = options
        for position in 0..<batch.pending.count {
            switch position < outcomes.count ? outcomes[position] : .retry(reason: missingReason) {
            case .delivered: deliveredCount += 1
            case .rejected(let reason): failed.append((position, reason))
            case .retry(let after, let reason):
                if retryReason == nil { spentMilliseconds = batch.spentMilliseconds(nowMilliseconds()) }
                retryReason = reason
                let giveUp = options.reasonToGiveUp(
                    afterAttempts: batch.attemptCount,
                    spentMilliseconds: spentMilliseconds
                )
                if let giveUp {
                    failed.append((position, "\(giveUp): \(reason)"))
                } else {
                    retrying.append(position)
                    askedDelayMilliseconds = max(askedDelayMilliseconds, after.map(Self.milliseconds) ?? 0)
                }
            }
        }
    }

    /// How long to pause: a random part of a time that doubles with each failure in a row, or what was asked for.
    func delay(afterFailures count: Int) -> Int {
        max(askedDelayMilliseconds, options.pauseMilliseconds(afterFailures: count))
    }

    /// What a destination asks for, up to a day.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = min(max(duration, .zero), .seconds(86_400)).components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
