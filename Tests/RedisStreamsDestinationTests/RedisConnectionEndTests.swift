import Testing

@testable import RedisStreamsDestination

@Suite("Connection state machine: deadlines and the end")
struct RedisConnectionEndTests: MachineTranscript {
    let start = ContinuousClock.now

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
