import Glibc
import Logging

/// Carries out what ``RedisConnectionStateMachine`` says, on the client's own thread.
///
/// One turn: take what the callers left, do what is due, write, sleep until something happens, read. What the callers
/// leave meanwhile is the next turn's batch; it is written while earlier replies are still on their way.
final class RedisConnectionLoop {
    /// hiredis moves the rest of its buffer after every kilobyte of replies, so it gets small pieces.
    private static let feedBytes = 16 * 1024
    private static let readBytes = 64 * 1024

    private let core: RedisClientCore
    private let handshake: RedisHandshake
    private var machine: RedisConnectionStateMachine
    private var log = RedisCommandLog()
    private var batches = RedisQueue<RedisInbox.Batch>()
    private var exchange = RedisClientCore.Exchange()
    private var connection: HiredisConnection?
    private var isWriteBlocked = false
    private var reportedProblem: String?
    // Both live exactly as long as the loop; the connection, which holds the builder's address, is freed before.
    private let builder: UnsafeMutablePointer<RedisReplyBuilder>
    private let readBuffer: UnsafeMutableRawBufferPointer

    init(core: RedisClientCore) {
        self.core = core
        handshake = RedisHandshake(configuration: core.configuration)
        machine = RedisConnectionStateMachine(
            handshake: handshake,
            connectTimeout: core.configuration.connectTimeout,
            commandTimeout: core.configuration.commandTimeout,
            now: .now
        )
        builder = .allocate(capacity: 1)
        builder.initialize(to: RedisReplyBuilder(maximumReplyBytes: core.configuration.limits.replyBytes))
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
            connection = try HiredisConnection(configuration: core.configuration, builder: builder)
        } catch {
            disconnect(error)
        }
    }

    private func finishConnecting(_ connection: HiredisConnection) {
        do throws(RedisError) {
            try connection.finishConnecting(core.configuration.endpoint)
            machine.connected()
        } catch {
            disconnect(error)
        }
    }

    private func disconnect(_ error: RedisError) {
        connection = nil
        isWriteBlocked = false
        builder.pointee.discardPartialReply()
        core.isConnected = false
        machine.connectionLost(error, now: .now, jitter: Double.random(in: 0..<1))
        report(error)
    }

    // Told once per problem: while Redis is down, the attempts repeat several times per second.
    private func report(_ error: RedisError) {
        guard reportedProblem != error.message else { return }
        reportedProblem = error.message
        core.logger.warning("Redis connection lost", metadata: ["error": "\(error.message)"])
    }

    private func becameReady() {
        reportedProblem = nil
        core.isConnected = true
        core.logger.info("Redis connected", metadata: ["endpoint": "\(core.configuration.endpoint)"])
    }
}

// MARK: - Writing

extension RedisConnectionLoop {
    /// Writes what may be written.
    ///
    /// False: the connection broke.
    private func write() -> Bool {
        isWriteBlocked = false
        guard let connection else { return true }
        while let next = machine.nextWrite {
            let transfer =
                switch next {
                case .handshake(let index): handshake.bytes[index...].withUnsafeBytes { connection.write($0) }
                case .commands(let range): log.withBytes(from: range.lowerBound) { connection.write($0) }
                case .quit(let index):
                    RedisConnectionStateMachine.quitBytes[index...].withUnsafeBytes { connection.write($0) }
                }
            switch transfer {
            case .bytes(let count):
                machine.wrote(count)
            case .wouldBlock:
                isWriteBlocked = true
                return true
            case .failed(let error):
                // What Redis said before it closed explains more than the broken pipe.
                guard readReplies(connection) else { return false }
                disconnect(error)
                return false
            }
        }
        return true
    }
}

// MARK: - Sleeping and reading

extension RedisConnectionLoop {
    private func sleep(until wakeAt: ContinuousClock.Instant?) {
        // While the socket takes no bytes, new commands could not be written: nobody needs to wake this thread.
        let maySleep = isWriteBlocked || core.prepareToSleep()
        let wantsWrite = isWriteBlocked || machine.isConnecting
        var descriptors = (
            pollfd(fd: core.wakeUp.readDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: connection?.descriptor ?? -1,
                events: Int16(wantsWrite ? POLLIN | POLLOUT : POLLIN),
                revents: 0
            )
        )
        withUnsafeMutableBytes(of: &descriptors) { bytes in
            _ = poll(bytes.assumingMemoryBound(to: pollfd.self).baseAddress, 2, maySleep ? milliseconds(to: wakeAt) : 0)
        }
        if descriptors.0.revents != 0 { core.wakeUp.drain() }
        guard let connection, descriptors.1.revents != 0 else { return }
        if machine.isConnecting {
            finishConnecting(connection)
        } else if descriptors.1.revents & ~Int16(POLLOUT) != 0 {
            _ = readReplies(connection)
        }
    }

    // Rounded up, so that the time has come when poll returns.
    private func milliseconds(to instant: ContinuousClock.Instant?) -> Int32 {
        guard let instant else { return -1 }
        return Int32(clamping: max(0, (instant - .now).inMilliseconds + 1))
    }

    /// Reads what the socket has and completes what it answers.
    ///
    /// False: the connection is gone.
    private func readReplies(_ connection: HiredisConnection) -> Bool {
        switch connection.read(into: readBuffer) {
        case .wouldBlock:
            return true
        case .failed(let error):
            disconnect(error)
            return false
        case .bytes(let count):
            var rest = UnsafeRawBufferPointer(rebasing: readBuffer[..<count])
            while !rest.isEmpty {
                let piece = min(rest.count, Self.feedBytes)
                connection.feed(UnsafeRawBufferPointer(rebasing: rest[..<piece]))
                rest = UnsafeRawBufferPointer(rebasing: rest[piece...])
                guard takeReplies(connection) else { return false }
            }
            log.release(upTo: machine.window.answered)
            return true
        }
    }

    private func takeReplies(_ connection: HiredisConnection) -> Bool {
        let now = ContinuousClock.now
        while true {
            switch connection.nextReply() {
            case .incomplete:
                return true
            case .tooLarge(let error):
                machine.replyTooLarge(error)
                disconnect(error)
                return false
            case .violation(let error):
                disconnect(error)
                return false
            case .reply:
                guard takeReply(now: now) else { return false }
            }
        }
    }

    private func takeReply(now: ContinuousClock.Instant) -> Bool {
        let builder = builder
        switch machine.received({ builder.pointee.lastReply ?? .null }, now: now) {
        case .answered(let finishesBatch):
            if finishesBatch { completeFirstBatch() }
            return true
        case .handshakeGoesOn:
            builder.pointee.removeLastReply()
            return true
        case .becameReady:
            builder.pointee.removeLastReply()
            becameReady()
            return true
        case .quitAnswered:
            builder.pointee.removeLastReply()
            return false
        case .refused(let error), .unsolicited(let error):
            builder.pointee.removeLastReply()
            disconnect(error)
            return false
        }
    }
}

// MARK: - Completing

extension RedisConnectionLoop {
    private func completeFirstBatch() {
        guard let batch = batches.popFirst() else { return }
        account()
        let replies = builder.pointee.take(commandCount: batch.commandCount)
        batch.completion(replies)
        builder.pointee.recycle(replies)
    }

    private func account() {
        core.account(
            answered: .init(bytes: machine.window.answered, commands: machine.window.answeredCommandCount)
        )
    }

    private func fail(batchCount: Int, _ error: RedisError) {
        account()
        for _ in 0..<batchCount {
            guard let batch = batches.popFirst() else { break }
            let replies = builder.pointee.take(commandCount: batch.commandCount, failure: error)
            batch.completion(replies)
        }
        log.release(upTo: machine.window.answered)
    }
}
