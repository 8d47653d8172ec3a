// What is written, and what replies mean.

extension RedisConnectionStateMachine {
    /// What to write now; nil when there is nothing, or nothing may be written.
    var nextWrite: Write? {
        switch state {
        case .waiting, .connecting, .closed: nil
        case .handshaking: controlWritten < handshake.bytes.count ? .handshake(from: controlWritten) : nil
        case .ready: window.unwritten.isEmpty ? nil : .commands(window.unwritten)
        case .quitting: controlWritten < Self.quitBytes.count ? .quit(from: controlWritten) : nil
        }
    }

    /// The connection took this many bytes of ``nextWrite``.
    mutating func wrote(_ byteCount: Int) {
        switch state {
        case .waiting, .connecting, .closed: break
        case .handshaking, .quitting: controlWritten += byteCount
        case .ready: window.wrote(byteCount)
        }
    }

    /// A reply came.
    ///
    /// `reply` makes a value of it, which only the client's own commands need.
    mutating func received(_ reply: () -> RedisReply, now: Instant) -> ReplyAction {
        switch state {
        case .ready:
            guard let finishesBatch = window.receivedReply() else { return unsolicited(reply()) }
            if backOff.attempts > 0, !isReconnecting {
                backOff.reset()
                lastError = nil
            }
            return .answered(finishesBatch: finishesBatch)
        case .handshaking(let deadline, let answered):
            return receivedHandshake(reply(), answered: answered, deadline: deadline, now: now)
        case .quitting where controlWritten == Self.quitBytes.count:
            return receivedQuit(reply())
        case .quitting, .waiting, .connecting, .closed:
            return unsolicited(reply())
        }
    }

    private mutating func receivedHandshake(
        _ reply: RedisReply,
        answered: Int,
        deadline: Instant,
        now: Instant
    ) -> ReplyAction {
        // A server that is full answers and closes before it has read anything.
        let step = handshake.steps[answered]
        let verdict = RedisHandshake.judge(reply, of: step)
        if step == .inspect { evictionPolicy = RedisEvictionPolicy(memoryInformation: reply.text ?? "") }
        switch verdict {
        case .unavailable(let error):
            return .refused(error)
        case .refused(let error):
            pendingFailure = error
            return .refused(error)
        case .accepted where controlWritten < handshake.bytes.count:
            return unsolicited(reply)
        case .accepted where answered + 1 < handshake.steps.count:
            state = .handshaking(deadline: deadline, answered: answered + 1)
            return .handshakeGoesOn
        case .accepted:
            state = .ready(since: now)
            return .becameReady
        }
    }

    private mutating func receivedQuit(_ reply: RedisReply) -> ReplyAction {
        if case .error(let text) = reply {
            finalError = RedisError(.errorReply, "Redis refused the command QUIT: \(text)")
        }
        state = .closed
        return .quitAnswered
    }

    private func unsolicited(_ reply: RedisReply) -> ReplyAction {
        let kind = if case .error(let text) = reply { "the error \"\(text)\"" } else { "a reply" }
        return .unsolicited(RedisError(.protocolViolation, "Redis sent \(kind) that no command asked for"))
    }

    /// QUIT as RESP.
    static let quitBytes = Array("*1\r\n$4\r\nQUIT\r\n".utf8)
}
