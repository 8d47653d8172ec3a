/// One connection after another, as a plain value: what happened goes in, what to do comes out.
///
/// It knows no sockets, no bytes and no clock. ``RedisConnectionLoop`` carries out what it says. The order is:
/// back off, connect, handshake, ready; then, when the connection breaks or a reply is late, back off again with every
/// unanswered command still in the ``window``; at the end drain, QUIT, closed.
struct RedisConnectionStateMachine {
    typealias Instant = ContinuousClock.Instant

    /// Where the connection is in its life.
    enum State: Equatable {
        /// Not connected; connects at this time.
        case waiting(until: Instant)
        /// The operating system is connecting.
        case connecting(deadline: Instant)
        /// Connected; this many handshake replies were received.
        case handshaking(deadline: Instant, answered: Int)
        /// Commands flow.
        case ready(since: Instant)
        /// Everything is answered, QUIT is on its way.
        case quitting
        /// The end.
        case closed
    }

    /// What to do next.
    enum Action: Equatable {
        /// Begin to connect, then report ``connected()`` or ``connectionLost(_:now:jitter:)``.
        case connect
        /// Complete this many batches, the oldest first, with the error.
        case fail(batchCount: Int, RedisError)
        /// Close the connection, then report ``connectionLost(_:now:jitter:)`` with the error.
        case disconnect(RedisError)
        /// Nothing before this time, unless something happens.
        case wait(until: Instant?)
        /// Close everything; the error is what went wrong at the end, if anything.
        case finish(RedisError?)
    }

    /// What a reply means.
    enum ReplyAction: Equatable {
        /// It answers the oldest command.
        case answered(finishesBatch: Bool)
        /// It answers the client itself; drop it.
        case handshakeGoesOn
        /// It was the last of the handshake; drop it, and write commands now.
        case becameReady
        /// Drop it and close the connection.
        case refused(RedisError)
        /// It answers QUIT; drop it.
        case quitAnswered
        /// Nobody asked. Close the connection.
        case unsolicited(RedisError)
    }

    /// What to write next.
    enum Write: Equatable {
        /// The handshake's bytes from this index.
        case handshake(from: Int)
        /// The command bytes at these positions.
        case commands(Range<Int>)
        /// The bytes of QUIT from this index.
        case quit(from: Int)
    }

    /// Where the connection is; only this type changes it.
    var state: State
    /// The commands that wait for replies.
    var window: RedisCommandWindow

    let handshake: RedisHandshake
    private let connectTimeout: Duration
    private let commandTimeout: Duration
    var backOff = RedisBackOff()
    /// How many bytes of the handshake or of QUIT were written.
    var controlWritten = 0
    private var drainDeadline: Instant?
    /// All batches are to fail with this.
    var pendingFailure: RedisError?
    private var pendingFirstFailure: RedisError?
    private var pendingDisconnect: RedisError?
    /// Why the last connection ended, until another proved good.
    var lastError: RedisError?
    /// What went wrong at the end.
    var finalError: RedisError?
    /// What the newest connection's server does when its memory is full; nil when it does not say.
    var evictionPolicy: RedisEvictionPolicy?

    /// Begins with an attempt to connect at `now`.
    init(
        handshake: RedisHandshake,
        connectTimeout: Duration,
        commandTimeout: Duration,
        maximumUnansweredCommands: Int,
        now: Instant
    ) {
        window = RedisCommandWindow(maximumUnansweredCommands: maximumUnansweredCommands)
        self.handshake = handshake
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.state = .waiting(until: now)
    }

    /// How many attempts failed since a connection proved good.
    var failedAttempts: Int { backOff.attempts }

    /// True when the connection is about to be closed and made anew.
    var isReconnecting: Bool { pendingDisconnect != nil }

    /// True when the operating system is connecting.
    var isConnecting: Bool {
        if case .connecting = state { true } else { false }
    }
}

// MARK: - Time

extension RedisConnectionStateMachine {
    /// What to do now.
    ///
    /// Call it again after each action, until it says ``Action/wait(until:)`` or ``Action/finish(_:)``.
    mutating func next(now: Instant) -> Action {
        if let failure = pendingFailure {
            pendingFailure = nil
            let batchCount = window.removeAll()
            if batchCount > 0 { return .fail(batchCount: batchCount, failure) }
        }
        if let failure = pendingFirstFailure {
            pendingFirstFailure = nil
            window.removeFirstBatch()
            return .fail(batchCount: 1, failure)
        }
        if case .closed = state { return .finish(finalError) }
        if let deadline = drainDeadline, deadline <= now { return giveUpDraining() }
        let expiry = window.expire(now: now)
        if expiry.batchCount > 0 {
            let error = timeoutError()
            if expiry.wasWritten { pendingDisconnect = error }
            return .fail(batchCount: expiry.batchCount, error)
        }
        if let error = pendingDisconnect {
            pendingDisconnect = nil
            return .disconnect(error)
        }
        return nextOfState(now: now)
    }

    private mutating func nextOfState(now: Instant) -> Action {
        let isDrained = drainDeadline != nil && window.isEmpty
        switch state {
        case .waiting where isDrained:
            return finish(nil)
        case .waiting(let until):
            guard until <= now else { return .wait(until: earliest(until)) }
            state = .connecting(deadline: now + connectTimeout)
            return .connect
        case .connecting(let deadline), .handshaking(let deadline, _):
            guard deadline <= now else { return .wait(until: earliest(deadline)) }
            let limit = "\(connectTimeout.inMilliseconds) ms (redis.options.connectTimeout)"
            let text = "Redis did not answer within \(limit) of connecting\(handshake.timeoutRemedy)"
            return .disconnect(RedisError(.connectionFailed, text))
        case .ready where isDrained:
            controlWritten = 0
            state = .quitting
            return .wait(until: earliest(nil))
        case .ready, .quitting:
            return .wait(until: earliest(nil))
        case .closed:
            return .finish(finalError)
        }
    }

    private func earliest(_ instant: Instant?) -> Instant? {
        Self.earlier(instant, Self.earlier(drainDeadline, window.nextDeadline))
    }

    private static func earlier(_ first: Instant?, _ second: Instant?) -> Instant? {
        guard let first, let second else { return first ?? second }
        return min(first, second)
    }

    private func timeoutError() -> RedisError {
        let reason = lastError.map { "; the last connection problem was: \($0.message)" } ?? ""
        let limit = "\(commandTimeout.inMilliseconds) ms (redis.options.commandTimeout)"
        return RedisError(.timedOut, "Redis did not answer within \(limit)\(reason)")
    }

    private mutating func finish(_ error: RedisError?) -> Action {
        state = .closed
        finalError = error
        return .finish(error)
    }

    private mutating func giveUpDraining() -> Action {
        let text = "Redis did not answer everything before the client had to close"
        let error = RedisError(.timedOut, text + (lastError.map { ": \($0.message)" } ?? ""))
        state = .closed
        finalError = error
        let batchCount = window.removeAll()
        return batchCount > 0 ? .fail(batchCount: batchCount, error) : .finish(error)
    }
}

// MARK: - The connection

extension RedisConnectionStateMachine {
    /// The connection is made; write the handshake.
    mutating func connected() {
        guard case .connecting(let deadline) = state else { return }
        controlWritten = 0
        state = .handshaking(deadline: deadline, answered: 0)
    }

    /// The connection broke or was closed.
    ///
    /// `jitter` is a random number of 0..<1.
    mutating func connectionLost(_ error: RedisError, now: Instant, jitter: Double) {
        window.rewind()
        pendingDisconnect = nil
        lastError = error
        // Only a change of settings or of a certificate helps: what waits is told at once.
        if error.code == .certificateRefused || error.code == .invalidConfiguration { pendingFailure = error }
        switch state {
        case .closed:
            return
        case .quitting:
            state = .closed
            finalError = error
        case .ready(let since):
            if now - since > backOff.maximum { backOff.reset() }
            state = .waiting(until: now + backOff.next(jitter: jitter))
        case .waiting, .connecting, .handshaking:
            state = .waiting(until: now + backOff.next(jitter: jitter))
        }
    }

    /// A reply is too large to be read: its batch fails instead of being sent again, for the same reply.
    mutating func replyTooLarge(_ error: RedisError) {
        guard case .ready = state, window.written > window.answered else { return }
        pendingFirstFailure = error
    }

    /// The connection is to be made anew, after what has arrived on this one was looked at.
    mutating func reconnect(_ error: RedisError) {
        switch state {
        case .waiting, .quitting, .closed: return
        case .connecting, .handshaking, .ready: break
        }
        pendingDisconnect = pendingDisconnect ?? error
        // Not at once: what made the server refuse may last, and there may be many refusals.
        backOff.begin(at: 4)
    }

    /// No more commands will come: answer what waits, QUIT, and be closed at the deadline at the latest.
    mutating func drain(deadline: Instant) {
        drainDeadline = drainDeadline.map { min($0, deadline) } ?? deadline
    }

    /// Nobody is interested any more: everything waiting fails at once, no QUIT.
    mutating func abandon() {
        pendingFailure = RedisError(.closed, "the Redis client was released with commands still waiting")
        state = .closed
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var inMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
