import Testing

@testable import RedisStreamsDestination

@Suite("Connection state machine")
struct RedisConnectionStateMachineTests: MachineTranscript {
    let start = ContinuousClock.now

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
}
