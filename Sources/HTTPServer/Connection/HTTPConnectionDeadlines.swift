import NIOCore

/// When a connection has waited long enough.
///
/// Setting a deadline stores a number; no timer is started. The group looks at the deadlines of all its connections now
/// and then.
struct HTTPConnectionDeadlines {
    private let limits: HTTPLimits
    private var timeout: HTTPConnectionStateMachine.Timeout?
    private var exchangeCount: UInt64 = 0
    private var deadline = NIODeadline.distantFuture

    /// All bytes that were handed to the channel.
    var writtenByteCount = 0
    private var sentByteCount = 0
    private var lastProgress: NIODeadline?

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    // MARK: - What the client sends

    /// Sets the deadline anew when the connection waits for something else than before.
    mutating func update(_ machine: HTTPConnectionStateMachine, eventLoop: any EventLoop) {
        let timeout = machine.timeout
        guard timeout != self.timeout || machine.exchangeCount != self.exchangeCount else { return }
        self.timeout = timeout
        self.exchangeCount = machine.exchangeCount
        let milliseconds: Int
        switch timeout {
        case .firstHead, .laterHead: milliseconds = self.limits.headerTimeoutMilliseconds
        case .idle: milliseconds = self.limits.idleTimeoutMilliseconds
        case .body: milliseconds = self.limits.requestTimeoutMilliseconds
        case .lingering: milliseconds = self.limits.lingerTimeoutMilliseconds
        case .none:
            self.deadline = .distantFuture
            return
        }
        self.deadline = eventLoop.now + .milliseconds(Int64(milliseconds))
    }

    /// Gives the full time again at the next ``update(_:eventLoop:)``.
    mutating func restart() {
        self.timeout = nil
    }

    func isExpired(now: NIODeadline) -> Bool {
        now >= self.deadline
    }

    // MARK: - What the client takes

    var mayHavePendingWrites: Bool { self.writtenByteCount != self.sentByteCount }

    /// Whether the client has taken nothing for too long, although something waits for it.
    mutating func writesStalled(pendingByteCount: Int, now: NIODeadline) -> Bool {
        let sentByteCount = self.writtenByteCount - pendingByteCount
        guard let lastProgress = self.lastProgress, sentByteCount == self.sentByteCount, pendingByteCount > 0 else {
            self.sentByteCount = sentByteCount
            self.lastProgress = now
            return false
        }
        return now - lastProgress >= .milliseconds(Int64(self.limits.writeTimeoutMilliseconds))
    }
}
