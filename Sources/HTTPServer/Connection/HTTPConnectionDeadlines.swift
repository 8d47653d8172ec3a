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
    /// Of the body that is being read.
    private var progress: HTTPBodyProgress?

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Sets the deadline anew when the connection waits for something else than before.
    mutating func update(_ machine: HTTPConnectionStateMachine, eventLoop: any EventLoop) {
        let timeout = machine.timeout
        guard timeout != self.timeout || machine.exchangeCount != self.exchangeCount else { return }
        if machine.exchangeCount != self.exchangeCount { self.progress = nil }
        self.timeout = timeout
        self.exchangeCount = machine.exchangeCount
        let milliseconds: Int
        switch timeout {
        case .firstHead, .laterHead: milliseconds = self.limits.headerTimeoutMilliseconds
        case .idle: milliseconds = self.limits.idleTimeoutMilliseconds
        case .body:
            self.measureBody(now: eventLoop.now)
            milliseconds = self.limits.requestTimeoutMilliseconds
        case .streamedBody:
            self.measureBody(now: eventLoop.now)
            self.deadline = .distantFuture
            return
        case .lingering, .lastHead: milliseconds = self.limits.lingerTimeoutMilliseconds
        case .none:
            if self.progress != nil { self.progress?.pause(now: eventLoop.now) }
            self.deadline = .distantFuture
            return
        }
        self.deadline = eventLoop.now + .milliseconds(Int64(milliseconds))
    }

    private mutating func measureBody(now: NIODeadline) {
        if self.progress == nil { self.progress = HTTPBodyProgress(now: now) }
        self.progress?.resume(now: now)
    }

    /// Whether the time is over, or the body of which so many bytes have come is too slow.
    mutating func isExpired(bodyByteCount: Int, now: NIODeadline) -> Bool {
        if now >= self.deadline { return true }
        guard self.timeout == .body || self.timeout == .streamedBody else { return false }
        return self.progress?.isTooSlow(byteCount: bodyByteCount, limits: self.limits, now: now) ?? false
    }
}
