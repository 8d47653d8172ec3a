import Synchronization

/// Something that happens once, and those who wait for it.
final class HTTPStopSignal: Sendable {
    private enum State {
        case pending([CheckedContinuation<Void, Never>])
        case set
    }

    private let state = Mutex(State.pending([]))

    var isSet: Bool {
        self.state.withLock { if case .set = $0 { true } else { false } }
    }

    func set() {
        // Swapped rather than returned under a `defer` that resets it, which Swift 6.3.1 miscompiles with -O.
        var last = State.set
        self.state.withLock { swap(&$0, &last) }
        guard case .pending(let waiting) = last else { return }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isSet = self.state.withLock { state in
                guard case .pending(let waiting) = state else { return true }
                state = .pending(waiting + [continuation])
                return false
            }
            if isSet { continuation.resume() }
        }
    }
}
