import Synchronization

/// Runs something with a time limit; whichever comes first, its outcome or the limit, is reported, once.
///
/// At the limit the task is cancelled, but not waited for: a destination that hangs must not hold the lane.
final class TimedAttempt<Outcome: Sendable>: Sendable {
    private struct State {
        var report: (@Sendable (Outcome) -> Void)?
        var timer: Task<Void, Never>?
    }

    private let state: Mutex<State>

    init(report: @escaping @Sendable (Outcome) -> Void) {
        state = Mutex(State(report: report))
    }

    func start(
        milliseconds: Int,
        time: CollectorTime,
        timeoutOutcome: Outcome,
        work: @escaping @Sendable () async -> Outcome
    ) {
        let task = Task {
            let outcome = await work()
            self.finish(outcome)
        }
        let timer = Task {
            do {
                try await time.sleep(.milliseconds(milliseconds))
            } catch {
                return
            }
            task.cancel()
            self.finish(timeoutOutcome)
        }
        let isOver = state.withLock { state in
            if state.report != nil { state.timer = timer }
            return state.report == nil
        }
        if isOver { timer.cancel() }
    }

    private func finish(_ outcome: Outcome) {
        let last = state.withLock { exchange(&$0, with: State(report: nil)) }
        last.timer?.cancel()
        last.report?(outcome)
    }
}
