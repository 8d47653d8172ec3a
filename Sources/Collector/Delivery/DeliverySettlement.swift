import EventJSON

/// Sorts a delivery's outcomes: what is done, what failed, what is to be tried again and when.
struct DeliverySettlement {
    private(set) var deliveredCount = 0
    /// The positions of what failed, with the reasons.
    private(set) var failed: [(position: Int, reason: String)] = []
    /// The positions of what is to be tried again.
    private(set) var retrying: [Int] = []
    private var askedDelayMilliseconds = 0

    /// The longest pause between attempts unless the destination asks for more.
    private static let maximumDelayMilliseconds = 2000.0
    private static let baseDelayMilliseconds = 50.0

    init(
        batch: OutgoingBatch,
        outcomes: [DeliveryOutcome],
        nowMilliseconds: @autoclosure () -> Int,
        timeoutMilliseconds: Int,
        timeoutReason: @autoclosure () -> String
    ) {
        for position in 0..<batch.pending.count {
            let outcome =
                position < outcomes.count ? outcomes[position] : .retry(reason: "the destination gave no outcome")
            switch outcome {
            case .delivered: deliveredCount += 1
            case .rejected(let reason): failed.append((position, reason))
            case .retry(let after, let reason):
                let now = nowMilliseconds()
                let spent = now - (batch.firstAttemptMilliseconds ?? now)
                if spent >= timeoutMilliseconds {
                    failed.append((position, "\(timeoutReason()): \(reason)"))
                } else {
                    retrying.append(position)
                    askedDelayMilliseconds = max(askedDelayMilliseconds, after.map(Self.milliseconds) ?? 0)
                }
            }
        }
    }

    /// How long to pause: a random part of a time that doubles with each retry in a row, or what was asked for.
    func delay(afterRetries count: Int) -> Int {
        max(askedDelayMilliseconds, Self.pauseMilliseconds(afterRetries: count))
    }

    /// A random part of a time that doubles with each retry in a row.
    static func pauseMilliseconds(afterRetries count: Int) -> Int {
        let exponent = Double(min(max(count - 1, 0), 10))
        var ceiling = baseDelayMilliseconds
        for _ in 0..<Int(exponent) { ceiling = min(ceiling * 2, maximumDelayMilliseconds) }
        return Int(Double.random(in: 1...ceiling))
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
    }
}
