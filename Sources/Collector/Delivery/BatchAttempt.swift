import Synchronization

/// One attempt to deliver a batch: its outcomes are reported once, by the destination or, if it does not answer in
/// time, for it.
///
/// At the time limit the destination is told by cancellation, and has a moment to say what it knows. One that does not
/// return then is left behind: it must not hold the lane. It is counted, because it still runs.
final class BatchAttempt: Sendable {
    /// How long a destination has to return once it was cancelled.
    static let graceMilliseconds = 1000

    private let isReported = Atomic(false)

    /// Calls `work`. `report` is called once; `onAbandon` if `work` did not return in time, then later `onReturn`.
    static func start(
        milliseconds: Int,
        time: CollectorTime,
        work: @escaping @Sendable () async -> [DeliveryOutcome],
        report: @escaping @Sendable ([DeliveryOutcome], _ isOverdue: Bool) -> Void,
        onAbandon: @escaping @Sendable () -> Void,
        onReturn: @escaping @Sendable () -> Void
    ) {
        let attempt = BatchAttempt()
        LimitedCall.start(
            milliseconds: milliseconds,
            time: time,
            work: work,
            onLimit: {
                Task {
                    try? await time.sleep(.milliseconds(graceMilliseconds))
                    guard attempt.claim() else { return }
                    onAbandon()
                    report([], true)
                }
            },
            onEnd: { outcomes, isLate in
                if attempt.claim() { report(outcomes, isLate) } else { onReturn() }
            }
        )
    }

    /// Whether the caller is the first.
    private func claim() -> Bool {
        !isReported.exchange(true, ordering: .acquiringAndReleasing)
    }
}
