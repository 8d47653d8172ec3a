import Synchronization

/// Lets whoever waits go on with the first of several answers that is a success, or with the last failure.
final class RedisRace<Value: Sendable>: Sendable {
    typealias Answer = Result<Value, RedisError>

    private struct State {
        var missingCount: Int
        var continuation: CheckedContinuation<Answer, Never>?
    }

    private let state: Mutex<State>

    /// Waits for so many answers; when there are none to wait for, `ifNone` is the answer.
    init(runnerCount: Int, ifNone: RedisError, _ continuation: CheckedContinuation<Answer, Never>) {
        state = Mutex(State(missingCount: runnerCount, continuation: continuation))
        if runnerCount == 0 { arrived(.failure(ifNone)) }
    }

    /// One of the answers came.
    func arrived(_ answer: Answer) {
        let continuation = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            state.missingCount -= 1
            if case .failure = answer, state.missingCount > 0 { return nil }
            var continuation: CheckedContinuation<Answer, Never>?
            swap(&continuation, &state.continuation)
            return continuation
        }
        continuation?.resume(returning: answer)
    }
}
