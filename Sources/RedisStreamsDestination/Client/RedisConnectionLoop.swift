import Logging

/// Carries out what ``RedisConnectionStateMachine`` says, on the client's own thread.
///
/// One turn: take what the callers left, do what is due, write, sleep until something happens, read. What the callers
/// leave meanwhile is the next turn's batch; it is written while earlier replies are still on their way.
final class RedisConnectionLoop {
    /// hiredis moves the rest of its buffer after every kilobyte of replies, so it gets small pieces.
    static let feedBytes = 16 * 1024
    private static let readBytes = 64 * 1024
    /// Bytes of one reply of the handshake at most.
    private static let handshakeReplyBytes = 64 * 1024

    let core: RedisClientCore
    let handshake: RedisHandshake
    var machine: RedisConnectionStateMachine
    var log = RedisCommandLog()
    var batches = RedisQueue<RedisInbox.Batch>()
    private var exchange = RedisClientCore.Exchange()
    var connection: RedisConnection?
    var isWriteBlocked = false
    private var reportedProblem: String?
    private var reportedEvictionPolicy: RedisEvictionPolicy?
    // Both live exactly as long as the loop; the connection, which holds the builder's address, is freed before.
    let builder: UnsafeMutablePointer<RedisReplyBuilder>
    let readBuffer: UnsafeMutableRawBufferPointer

    init(core: RedisClientCore) {
        self.core = core
        handshake = RedisHandshake(configuration: core.configuration)
        machine = RedisConnectionStateMachine(
            handshake: handshake,
            connectTimeout: core.configuration.connectTimeout,
            commandTimeout: core.configuration.commandTimeout,
            maximumUnansweredCommands: core.configuration.limits.unansweredCommands,
            now: .now
        )
        builder = .allocate(capacity: 1)
        builder.initialize(to: RedisReplyBuilder(maximumReplyBytes: Self.handshakeReplyBytes))
        readBuffer = .allocate(byteCount: Self.readBytes, alignment: 16)
    }

    deinit {
        connection = nil
        builder.deinitialize(count: 1)
        builder.deallocate()
        readBuffer.deallocate()
    }

    /// Runs until the client is closed.
    func run() {
        while turn() {}
    }

    private func turn() -> Bool {
        takeInbox()
        let wakeAt: ContinuousClock.Instant?
        switch carryOut() {
        case .finish(let error):
            connection = nil
            core.finish(error)
            return false
        case .wait(let until):
            wakeAt = until
        case .connect, .fail, .disconnect:
            return true
        }
        guard write() else { return true }
        sleep(until: wakeAt)
        return true
    }

    private func takeInbox() {
        core.swapInbox(&exchange)
        for length in exchange.commandLengths {
            machine.window.append(commandLength: length)
        }
        for batch in exchange.batches {
            machine.window.append(batchOf: batch.commandCount, deadline: batch.deadline)
            batches.append(batch)
        }
        log.append(&exchange.bytes)
        exchange.commandLengths.removeAll(keepingCapacity: true)
        exchange.batches.removeAll(keepingCapacity: true)
        if let error = exchange.reconnectReason {
            exchange.reconnectReason = nil
            machine.reconnect(error)
        }
        switch exchange.phase {
        case .idle, .running, .closed: break
        case .quitting(let deadline): machine.drain(deadline: deadline)
        case .abandoned: machine.abandon()
        }
    }

    /// Does what is due; returns `wait` or `finish`.
    private func carryOut() -> RedisConnectionStateMachine.Action {
        while true {
            let action = machine.next(now: .now)
            switch action {
            case .wait, .finish: return action
            case .connect: connect()
            case .fail(let batchCount, let error): fail(batchCount: batchCount, error)
            case .disconnect(let error): disconnect(error)
            }
        }
    }
}

// MARK: - Connecting and disconnecting

extension RedisConnectionLoop {
    private func connect() {
        do throws(RedisError) {
            builder.pointee.maximumReplyBytes = Self.handshakeReplyBytes
            let endpoint = try core.endpoint()
            let connection = try RedisConnection(to: endpoint, configuration: core.configuration, builder: builder)
            core.logger.debug("Redis connecting", metadata: ["endpoint": "\(endpoint)"])
            self.connection = connection
        } catch {
            disconnect(error)
        }
    }

    func goOnConnecting(_ connection: RedisConnection) {
        do throws(RedisError) {
            guard try connection.transport.open() else { return }
            machine.connected()
        } catch {
            disconnect(error)
        }
    }

    func disconnect(_ error: RedisError) {
        connection = nil
        isWriteBlocked = false
        builder.pointee.discardPartialReply()
        core.isConnected = false
        machine.connectionLost(error, now: .now, jitter: Double.random(in: 0..<1))
        report(error)
        core.observe(.lost(error))
    }

    // Told once per problem: while Redis is down, the attempts repeat several times per second.
    private func report(_ error: RedisError) {
        guard reportedProblem != error.message else { return }
        reportedProblem = error.message
        core.logger.warning("Redis connection lost", metadata: ["error": "\(error.message)"])
    }

    func becameReady() {
        reportedProblem = nil
        builder.pointee.maximumReplyBytes = core.configuration.limits.replyBytes
        core.isConnected = true
        core.logger.info("Redis connected", metadata: ["endpoint": "\(core.configuration.endpoint)"])
        reportEvictionPolicy()
        core.observe(.ready)
    }

    // Told once per policy, not with every connection.
    private func reportEvictionPolicy() {
        guard let policy = machine.evictionPolicy, policy != reportedEvictionPolicy else { return }
        reportedEvictionPolicy = policy
        guard let warning = policy.warning else { return }
        core.logger.warning("\(warning)", metadata: ["maxmemory-policy": "\(policy.name)"])
    }
}
