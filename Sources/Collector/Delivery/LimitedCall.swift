import Synchronization

/// Calls something with a time limit: at the limit the call is cancelled, and whoever made it is told, but the call
/// ends when it returns.
enum LimitedCall {
    private enum Phase { case running, late, ended }

    /// Calls `work`. `onLimit` is called at most once; `onEnd` once, when `work` returns, and hears whether the limit had
    /// passed.
    static func start<Outcome: Sendable>(
        milliseconds: Int,
        time: CollectorTime,
        work: @escaping @Sendable () async -> Outcome,
        onLimit: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (Outcome, _ isLate: Bool) -> Void
    ) {
        let call = Call()
        let task = Task {
            let outcome = await work()
            onEnd(outcome, call.end())
        }
        call.setTimer(
            Task {
                do {
                    try await time.sleep(.milliseconds(milliseconds))
                } catch {
                    return
                }
                call.passLimit {
                    onLimit()
                    task.cancel()
                }
            }
        )
    }

    /// How far one call is.
    private final class Call: Sendable {
        private let state = Mutex<(phase: Phase, timer: Task<Void, Never>?)>((.running, nil))

        func setTimer(_ timer: Task<Void, Never>) {
            let isOver = state.withLock { state in
                state.timer = timer
                return state.phase == .ended
            }
            if isOver { timer.cancel() }
        }

        func passLimit(_ action: () -> Void) {
            let isLate = state.withLock { state in
                guard state.phase == .running else { return false }
                state.phase = .late
                return true
            }
            if isLate { action() }
        }

        /// Whether the limit had passed.
        func end() -> Bool {
            let (timer, isLate) = state.withLock { state in
                let isLate = state.phase == .late
                state.phase = .ended
                return (state.timer, isLate)
            }
            timer?.cancel()
            return isLate
        }
    }
}
