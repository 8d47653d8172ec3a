import Synchronization

/// Brings a wait's token and its task's cancellation together, whichever comes first.
final class WaitCancellation: Sendable {
    private enum State {
        case idle
        case started(WaitToken)
        case cancelled
    }

    private let state = Mutex(State.idle)

    /// Notes the token; whether the wait was cancelled before.
    func started(_ token: WaitToken) -> Bool {
        state.withLock { state in
            if case .cancelled = state { return true }
            state = .started(token)
            return false
        }
    }

    /// Notes the cancellation; the token to cancel, if the wait had started.
    func cancelled() -> WaitToken? {
        state.withLock { state in
            let before = state
            state = .cancelled
            if case .started(let token) = before { return token }
            return nil
        }
    }
}
