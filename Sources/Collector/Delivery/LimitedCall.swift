import Synchronization

/// Calls something with a time limit: at the limit the call is cancelled, and whoever made it is told, but the call
/// ends when it returns.
enum LimitedCall {
    private enum Phase { case running, late, ended }

    /// Calls `work`. `onLimit` is called at most once, before `onEnd`; `onEnd` once, when `work` returns.
    static func start<Outcome: Sendable>(
        milliseconds: Int,
        time: CollectorTime,
        work: @escaping @Sendable () async -> Outcome,
        onLimit: @escaping @Sendable () -> Void,
        onEnd: @escaping @Sendable (Outcome) -> Void
    ) {
        let call = Call()
        let task = Task {
            let outcome = await work()
            call.end()
            onEnd(outcome)
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

        func end() {
            let timer = state.withLock { state in
                state.phase = .ended
                return state.timer
            }
            timer?.cancel()
        }
    }
}
