import Testing

@testable import RedisStreamsDestination

/// What transcripts of the state machine share: points in time, machines in a state, commands of ten bytes.
protocol MachineTranscript {
    /// The time 0 ms.
    var start: ContinuousClock.Instant { get }
}

extension MachineTranscript {
    static var ok: @Sendable () -> RedisReply { { .status("OK") } }
    var broken: RedisError { RedisError(.connectionFailed, "broken") }

    func at(_ milliseconds: Int) -> ContinuousClock.Instant {
        start + .milliseconds(milliseconds)
    }

    func makeMachine(_ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisConnectionStateMachine {
        var configuration = RedisConfiguration()
        change(&configuration)
        return RedisConnectionStateMachine(
            handshake: RedisHandshake(configuration: configuration),
            connectTimeout: .milliseconds(5_000),
            commandTimeout: .milliseconds(10_000),
            maximumUnansweredCommands: configuration.limits.unansweredCommands,
            now: at(0)
        )
    }

    /// A machine whose connection is open and through with its handshake at 0 ms.
    func makeReady() -> RedisConnectionStateMachine {
        var machine = makeMachine()
        _ = machine.next(now: at(0))
        shakeHands(&machine, at: 0)
        return machine
    }

    /// One batch of commands of ten bytes, due at that time.
    func add(_ commandCount: Int, due: Int, to machine: inout RedisConnectionStateMachine) {
        for _ in 0..<commandCount { machine.window.append(commandLength: 10) }
        machine.window.append(batchOf: commandCount, deadline: at(due))
    }

    func writeAll(_ machine: inout RedisConnectionStateMachine) {
        while let write = machine.nextWrite {
            switch write {
            case .handshake, .quit: machine.wrote(1)
            case .commands(let range): machine.wrote(range.count)
            }
        }
    }

    /// Answers the handshake without password and database: CLIENT SETNAME, INFO and PING.
    func shakeHands(_ machine: inout RedisConnectionStateMachine, at time: Int) {
        machine.connected()
        writeAll(&machine)
        #expect(machine.received(Self.ok, now: at(time)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(time)) == .handshakeGoesOn)
        #expect(machine.received(Self.ok, now: at(time)) == .becameReady)
    }

    func isTimedOut(_ action: RedisConnectionStateMachine.Action, batchCount: Int) -> Bool {
        if case .fail(batchCount, let error) = action { error.code == .timedOut } else { false }
    }
}
