import Synchronization

/// Counts the open connections of a server, in all and of each client, and says when another may be accepted.
final class HTTPAdmission: Sendable {
    private struct State {
        var openCount = 0
        /// Only of clients that have a connection: no more entries than connections.
        var countByAddress: [HTTPClientAddress: Int] = [:]
        /// What to do when there is room again.
        var waiting: [@Sendable () -> Void] = []
    }

    private let maximumConnectionCount: Int
    /// 0 for no limit.
    private let maximumConnectionCountPerAddress: Int
    private let state = Mutex(State())

    init(maximumConnectionCount: Int, maximumConnectionCountPerAddress: Int) {
        self.maximumConnectionCount = maximumConnectionCount
        self.maximumConnectionCountPerAddress = maximumConnectionCountPerAddress
    }

    /// How many clients have a connection now.
    var addressCount: Int { self.state.withLock { $0.countByAddress.count } }

    /// How many connections there is room for.
    ///
    /// If for none, `resume` is called, once, when there is.
    func room(orCall resume: @escaping @Sendable () -> Void) -> Int {
        self.state.withLock { state in
            let room = self.maximumConnectionCount - state.openCount
            if room <= 0 { state.waiting.append(resume) }
            return max(room, 0)
        }
    }

    /// Takes a connection in, unless its client has as many as it may.
    ///
    /// ``closed(_:)`` must follow when it was taken in.
    func admit(_ address: HTTPClientAddress?) -> Bool {
        self.state.withLock { state in
            if let address, self.maximumConnectionCountPerAddress > 0 {
                let count = state.countByAddress[address, default: 0]
                guard count < self.maximumConnectionCountPerAddress else { return false }
                state.countByAddress[address] = count + 1
            }
            state.openCount += 1
            return true
        }
    }

    func closed(_ address: HTTPClientAddress?) {
        // Swapped rather than returned under a `defer` that resets it, which Swift 6.3.1 miscompiles with -O.
        var waiting: [@Sendable () -> Void] = []
        self.state.withLock { state in
            state.openCount -= 1
            if let address, let count = state.countByAddress[address] {
                state.countByAddress[address] = count > 1 ? count - 1 : nil
            }
            if state.openCount < self.maximumConnectionCount { swap(&state.waiting, &waiting) }
        }
        for resume in waiting { resume() }
    }
}
