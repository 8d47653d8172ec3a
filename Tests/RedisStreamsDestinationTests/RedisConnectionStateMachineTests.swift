import Testing

@testable import RedisStreamsDestination

@Suite("Connection state machine")
struct RedisConnectionStateMachineTests {
    private static let ok: @Sendable () -> RedisReply = { .status("OK") }
    private let start = ContinuousClock.now
    private let broken = RedisError(.connectionFailed, "broken")

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    private func makeMachine(_ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisConnectionStateMachine {
        var configuration = RedisConfiguration()
        change(&configuration)
        return RedisConnectionStateMachine(
            handshake: RedisHandshake(configuration: configuration),
            connectTimeout: .milliseconds(5_000),
            commandTimeout: .milliseconds(10_000),
            now: at(0)
        )
    }

    /// A machine whose connection is open and through with its handshake at 0 ms.
    private func makeReady() -> RedisConnectionStateMachine {
        var machine = makeMachine()
        _ = machine.next(now: at(0))
        shakeHands(&machine, at: 0)
        return machine
    }

    /// One batch of commands of ten bytes, due at that time.
    private func add(_ commandCount: Int, due: Int, to machine: inout RedisConnectionStateMachine) {
        for _ in 0..<commandCount { machine.window.append(commandLength: 10) }
        machine.window.append(batchOf: commandCount, deadline: at(due))
    }

    private func writeAll(_ machine: inout RedisConnectionStateMachine) {
        while let write = machine.nextWrite {
            switch write {
            case .handshake, .quit: machine.wrote(1)
            case .commands(let range): machine.wrote(range.count)
            }
        }
    }

    /// Answers the handshake without password and database: CLIENT SETNAME and PING.
    private func shakeHands(_ machine: inout RedisConnectionStateMachine, at time: Int) {
        machine.connected()
        writeAll(&machine)
        #expect(machine.received(Self.ok, now: at(time)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(time)) == .becameReady)
    }

    private func isTimedOut(_ action: RedisConnectionStateMachine.Action, batchCount: Int) -> Bool {
        if case .fail(batchCount, let error) = action { error.code == .timedOut } else { false }
    }

    // MARK: Connecting

    @Test("connects at once, shakes hands, becomes ready")
    func connects() {
        var machine = makeMachine {
            $0.password = "secret"
            $0.database = 3
        }
        #expect(machine.state == .waiting(until: at(0)))
        #expect(machine.next(now: at(0)) == .connect)
        #expect(machine.state == .connecting(deadline: at(5_000)))
        #expect(machine.nextWrite == nil)
        #expect(machine.next(now: at(1)) == .wait(until: at(5_000)))
        machine.connected()
        #expect(machine.state == .handshaking(deadline: at(5_000), answered: 0))
        #expect(machine.nextWrite == .handshake(from: 0))
        machine.wrote(5)
        #expect(machine.nextWrite == .handshake(from: 5))
        writeAll(&machine)
        #expect(machine.nextWrite == nil)
        #expect(machine.received(Self.ok, now: at(2)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(3)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(3)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(4)) == .becameReady)
        #expect(machine.state == .ready(since: at(4)))
        #expect(machine.next(now: at(4)) == .wait(until: nil))
    }

    @Test("commands wait for the whole handshake")
    func commandsWait() {
        var machine = makeMachine()
        add(1, due: 10_000, to: &machine)
        #expect(machine.next(now: at(0)) == .connect)
        machine.connected()
        writeAll(&machine)
        #expect(machine.nextWrite == nil)
        #expect(machine.received(Self.ok, now: at(1)) == .handshakeGoesOn)
        #expect(machine.nextWrite == nil)
        #expect(machine.received(Self.ok, now: at(1)) == .becameReady)
        #expect(machine.nextWrite == .commands(0..<10))
    }

    @Test("waits longer after each failure, at most 2 s times the jitter")
    func backsOff() {
        var machine = makeMachine()
        var now = 0
        for expected in [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000] {
            #expect(machine.next(now: at(now)) == .connect)
            machine.connectionLost(broken, now: at(now), jitter: 0.5)
            #expect(machine.state == .waiting(until: at(now + expected)))
            #expect(machine.next(now: at(now)) == .wait(until: at(now + expected)))
            now += expected
        }
        #expect(machine.failedAttempts == 9)
    }

    @Test("a connection that takes too long is given up")
    func connectTimeout() {
        var machine = makeMachine()
        _ = machine.next(now: at(0))
        guard case .disconnect(let error) = machine.next(now: at(5_000)) else {
            Issue.record("not disconnected")
            return
        }
        #expect(error.code == .connectionFailed)
        #expect(error.message.contains("5000 ms"))

        var handshaking = makeMachine()
        _ = handshaking.next(now: at(0))
        handshaking.connected()
        #expect(handshaking.next(now: at(5_000)) == .disconnect(error))
    }

    @Test("a refused password fails what waits, and is tried again later")
    func refusedPassword() {
        var machine = makeMachine { $0.password = "secret" }
        add(2, due: 10_000, to: &machine)
        add(1, due: 10_000, to: &machine)
        _ = machine.next(now: at(0))
        machine.connected()
        writeAll(&machine)
        let reply = machine.received({ .error("WRONGPASS invalid username-password pair") }, now: at(1))
        guard case .refused(let error) = reply else {
            Issue.record("not refused")
            return
        }
        #expect(error.code == .handshakeRefused)
        machine.connectionLost(error, now: at(1), jitter: 0.5)
        #expect(machine.next(now: at(1)) == .fail(batchCount: 2, error))
        #expect(machine.next(now: at(1)) == .wait(until: at(26)))
        #expect(machine.next(now: at(26)) == .connect)
    }

    @Test("a server that is full is tried again, and nothing fails")
    func fullServer() {
        var machine = makeMachine()
        add(1, due: 10_000, to: &machine)
        _ = machine.next(now: at(0))
        machine.connected()
        let reply = machine.received({ .error("ERR max number of clients reached") }, now: at(1))
        guard case .refused(let error) = reply else {
            Issue.record("not refused")
            return
        }
        #expect(error.code == .connectionFailed)
        machine.connectionLost(error, now: at(1), jitter: 0)
        #expect(machine.next(now: at(1)) == .connect)
        #expect(machine.window.batchCount == 1)
    }

    // MARK: Losing the connection

    @Test("unanswered commands are written again, in order, before newer ones")
    func resends() {
        var machine = makeReady()
        add(2, due: 10_000, to: &machine)
        #expect(machine.nextWrite == .commands(0..<20))
        machine.wrote(20)
        #expect(machine.received(Self.ok, now: at(1)) == .answered(finishesBatch: false))
        machine.connectionLost(broken, now: at(2), jitter: 0)
        add(1, due: 10_000, to: &machine)
        #expect(machine.next(now: at(2)) == .connect)
        shakeHands(&machine, at: 3)
        #expect(machine.nextWrite == .commands(10..<30))
        machine.wrote(20)
        #expect(machine.received(Self.ok, now: at(4)) == .answered(finishesBatch: true))
        #expect(machine.received(Self.ok, now: at(4)) == .answered(finishesBatch: true))
        #expect(machine.window.isEmpty)
    }

    @Test("the back-off begins anew after a reply, and after a connection that held")
    func backOffResets() {
        var machine = makeReady()
        machine.connectionLost(broken, now: at(1), jitter: 0.5)
        #expect(machine.failedAttempts == 1)
        for now in [100, 200] {
            _ = machine.next(now: at(now))
            shakeHands(&machine, at: now)
            machine.connectionLost(broken, now: at(now), jitter: 0.5)
        }
        #expect(machine.failedAttempts == 3)

        _ = machine.next(now: at(1_000))
        shakeHands(&machine, at: 1_000)
        add(1, due: 10_000, to: &machine)
        writeAll(&machine)
        _ = machine.received(Self.ok, now: at(1_000))
        #expect(machine.failedAttempts == 0)

        machine.connectionLost(broken, now: at(1_001), jitter: 0)
        _ = machine.next(now: at(1_001))
        shakeHands(&machine, at: 1_001)
        machine.connectionLost(broken, now: at(3_002), jitter: 0)
        #expect(machine.failedAttempts == 1)
    }

    @Test("a reply that nobody asked for is not taken for an answer")
    func unsolicitedReplies() {
        var idle = makeReady()
        guard case .unsolicited(let error) = idle.received({ .error("ERR\u{7}") }, now: at(1)) else {
            Issue.record("taken for an answer")
            return
        }
        #expect(error.code == .protocolViolation)

        var half = makeReady()
        add(1, due: 10_000, to: &half)
        half.wrote(9)
        guard case .unsolicited = half.received(Self.ok, now: at(1)) else {
            Issue.record("taken for an answer to half a command")
            return
        }
    }

    @Test("a reply that is too large fails its own batch only, and is not asked for again")
    func replyTooLarge() {
        var machine = makeReady()
        add(2, due: 10_000, to: &machine)
        add(1, due: 10_000, to: &machine)
        writeAll(&machine)
        let error = RedisError(.protocolViolation, "too large")
        machine.replyTooLarge(error)
        machine.connectionLost(error, now: at(1), jitter: 0)
        #expect(machine.next(now: at(1)) == .fail(batchCount: 1, error))
        #expect(machine.next(now: at(1)) == .connect)
        #expect(machine.window.unwritten == 20..<30)

        var handshaking = makeMachine()
        add(1, due: 10_000, to: &handshaking)
        _ = handshaking.next(now: at(0))
        handshaking.connected()
        handshaking.replyTooLarge(error)
        handshaking.connectionLost(error, now: at(1), jitter: 0)
        #expect(handshaking.next(now: at(1)) == .connect)
        #expect(handshaking.window.batchCount == 1)
    }

    // MARK: Deadlines

    @Test("a late reply's connection is closed after its batch failed; the others stay")
    func timeout() {
        var machine = makeReady()
        add(1, due: 1_000, to: &machine)
        add(1, due: 2_000, to: &machine)
        writeAll(&machine)
        #expect(machine.next(now: at(999)) == .wait(until: at(1_000)))
        #expect(isTimedOut(machine.next(now: at(1_000)), batchCount: 1))
        guard case .disconnect(let error) = machine.next(now: at(1_000)) else {
            Issue.record("connection stays open")
            return
        }
        machine.connectionLost(error, now: at(1_000), jitter: 0)
        #expect(machine.next(now: at(1_000)) == .connect)
        #expect(machine.window.batchCount == 1)
        #expect(machine.window.unwritten == 10..<20)
    }

    @Test("what was never written fails without closing anything, and says what was wrong")
    func timeoutWithoutConnection() {
        var machine = makeMachine()
        add(1, due: 1_000, to: &machine)
        _ = machine.next(now: at(0))
        machine.connectionLost(RedisError(.connectionFailed, "Connection refused"), now: at(0), jitter: 0.999)
        guard case .fail(batchCount: 1, let error) = machine.next(now: at(1_000)) else {
            Issue.record("did not fail")
            return
        }
        #expect(error.code == .timedOut)
        #expect(error.message.contains("Connection refused"))
        #expect(error.message.contains("10000 ms (redis.options.commandTimeout)"))
        #expect(machine.next(now: at(1_000)) == .connect)
    }

    // MARK: The end

    @Test("drains, then quits")
    func quits() {
        var machine = makeReady()
        add(1, due: 10_000, to: &machine)
        writeAll(&machine)
        machine.drain(deadline: at(5_000))
        #expect(machine.next(now: at(1)) == .wait(until: at(5_000)))
        #expect(machine.nextWrite == nil)
        #expect(machine.received(Self.ok, now: at(2)) == .answered(finishesBatch: true))
        #expect(machine.next(now: at(2)) == .wait(until: at(5_000)))
        #expect(machine.nextWrite == .quit(from: 0))
        machine.wrote(4)
        #expect(machine.nextWrite == .quit(from: 4))
        writeAll(&machine)
        #expect(machine.received(Self.ok, now: at(3)) == .quitAnswered)
        #expect(machine.next(now: at(3)) == .finish(nil))
        #expect(machine.state == .closed)
    }

    @Test("a refused or unanswered QUIT is told, and ends all the same")
    func quitFails() {
        var refused = makeReady()
        refused.drain(deadline: at(5_000))
        _ = refused.next(now: at(0))
        writeAll(&refused)
        #expect(refused.received({ .error("quit failed") }, now: at(1)) == .quitAnswered)
        guard case .finish(let error?) = refused.next(now: at(1)) else {
            Issue.record("no error")
            return
        }
        #expect(error.message.contains("quit failed"))

        var cut = makeReady()
        cut.drain(deadline: at(5_000))
        _ = cut.next(now: at(0))
        cut.connectionLost(broken, now: at(1), jitter: 0)
        #expect(cut.next(now: at(1)) == .finish(broken))

        var silent = makeReady()
        silent.drain(deadline: at(5_000))
        _ = silent.next(now: at(0))
        writeAll(&silent)
        guard case .finish(let late?) = silent.next(now: at(5_000)) else {
            Issue.record("no error")
            return
        }
        #expect(late.code == .timedOut)
    }

    @Test("an early reply to QUIT is unsolicited")
    func earlyQuitReply() {
        var machine = makeReady()
        machine.drain(deadline: at(5_000))
        _ = machine.next(now: at(0))
        machine.wrote(3)
        guard case .unsolicited = machine.received(Self.ok, now: at(1)) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test("what is not answered by the end fails")
    func drainDeadline() {
        var machine = makeReady()
        add(1, due: 60_000, to: &machine)
        machine.drain(deadline: at(5_000))
        #expect(isTimedOut(machine.next(now: at(5_000)), batchCount: 1))
        guard case .finish(let error?) = machine.next(now: at(5_000)) else {
            Issue.record("no error")
            return
        }
        #expect(error.code == .timedOut)
    }

    @Test("without a connection there is nothing to quit, but what waits is still tried")
    func drainWithoutConnection() {
        var empty = makeMachine()
        empty.drain(deadline: at(5_000))
        #expect(empty.next(now: at(0)) == .finish(nil))

        var waiting = makeMachine()
        _ = waiting.next(now: at(0))
        add(1, due: 60_000, to: &waiting)
        waiting.drain(deadline: at(5_000))
        waiting.connectionLost(broken, now: at(0), jitter: 0)
        #expect(waiting.next(now: at(0)) == .connect)
    }

    @Test("an abandoned client fails what waits and ends at once")
    func abandons() {
        var machine = makeReady()
        add(1, due: 60_000, to: &machine)
        machine.abandon()
        guard case .fail(batchCount: 1, let error) = machine.next(now: at(0)) else {
            Issue.record("did not fail")
            return
        }
        #expect(error.code == .closed)
        #expect(machine.next(now: at(0)) == .finish(nil))
    }
}
