import Synchronization

/// Runs one delivery with a time limit; whichever comes first, its outcomes or the limit, is reported, once.
///
/// At the limit the delivery's task is cancelled, but not waited for: a destination that hangs must not hold the lane.
final class TimedAttempt: Sendable {
    private struct State {
        var report: (@Sendable ([DeliveryOutcome]) -> Void)?
        var timer: Task<Void, Never>?
    }

    private let state: Mutex<State>

    init(report: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        state = Mutex(State(report: report))
    }

    func start(
        milliseconds: Int,
        time: CollectorTime,
        timeoutOutcomes: [DeliveryOutcome],
        delivery: @escaping @Sendable () async -> [DeliveryOutcome]
    ) {
        let work = Task {
            let outcomes = await delivery()
            self.finish(outcomes)
        }
        let timer = Task {
            do {
                try await time.sleep(.milliseconds(milliseconds))
            } catch {
                return
            }
            work.cancel()
            self.finish(timeoutOutcomes)
        }
        let isOver = state.withLock { state in
            if state.report != nil { state.timer = timer }
            return state.report == nil
        }
        if isOver { timer.cancel() }
    }

    private func finish(_ outcomes: [DeliveryOutcome]) {
        let last = state.withLock { exchange(&$0, with: State(report: nil)) }
        last.timer?.cancel()
        last.report?(outcomes)
    }
}
