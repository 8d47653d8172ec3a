/// What callers leave for the client's thread, under one short lock.
struct RedisInbox: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Commands that are completed together.
    struct Batch: Sendable {
        let commandCount: Int
        let deadline: Instant
        let completion: @Sendable (RedisReplies) -> Void
    }

    /// So many bytes and commands.
    struct Amount: Sendable {
        var bytes = 0
        var commands = 0
    }

    /// Whether commands are taken.
    enum Phase: Sendable, Equatable {
        /// Taken; the thread does not run yet.
        case idle
        /// Taken.
        case running
        /// Refused: everything is answered until the deadline, then QUIT.
        case quitting(deadline: Instant)
        /// Refused: everything waiting fails now.
        case abandoned
        /// Refused: the thread ended.
        case closed
    }

    var phase = Phase.idle
    var encoder = RESPEncoder()
    var batches: [Batch] = []
    /// Bytes and commands accepted since the beginning.
    var accepted = Amount()
    /// True while the thread sleeps or is about to: whoever adds something wakes it.
    var isThreadAsleep = false
    /// Why the connection is to be made anew; nil: it is good.
    var reconnectReason: RedisError?
    /// Told how the client ended.
    var quitWaiters: [CheckedContinuation<RedisError?, Never>] = []

    /// Encodes commands and adds them as one batch.
    ///
    /// True: wake the thread.
    mutating func add(
        limits: RedisConfiguration.Limits,
        answered: Amount,
        deadline: Instant,
        encode: (inout RESPEncoder) -> Void,
        completion: @escaping @Sendable (RedisReplies) -> Void
    ) throws(RedisError) -> Bool {
        switch phase {
        case .idle, .running: break
        case .quitting, .abandoned, .closed: throw RedisError(.closed, "the Redis client is closed")
        }
        let bytesBefore = encoder.bytes.count
        let commandsBefore = encoder.commandLengths.count
        encode(&encoder)
        let added = Amount(
            bytes: encoder.bytes.count - bytesBefore,
            commands: encoder.commandLengths.count - commandsBefore
        )
        let pending = Amount(bytes: accepted.bytes - answered.bytes, commands: accepted.commands - answered.commands)
        if let error = refusal(of: added, pending: pending, limits: limits) {
            encoder.truncate(byteCount: bytesBefore, commandCount: commandsBefore)
            throw error
        }
        accepted.bytes += added.bytes
        accepted.commands += added.commands
        batches.append(Batch(commandCount: added.commands, deadline: deadline, completion: completion))
        guard isThreadAsleep else { return false }
        isThreadAsleep = false
        return true
    }

    // A batch that is larger than the limits goes alone: refused for ever, it could never be delivered.
    private func refusal(of added: Amount, pending: Amount, limits: RedisConfiguration.Limits) -> RedisError? {
        if encoder.hasOversizedArgument {
            let limit = RESPEncoder.maximumArgumentBytes
            return RedisError(.commandTooLarge, "an argument is longer than the \(limit) bytes that Redis accepts")
        }
        guard pending.commands > 0 else { return nil }
        if pending.bytes + added.bytes > limits.pendingBytes {
            return RedisError(
                .tooManyPending,
                "\(pending.bytes) bytes wait for Redis already; the limit is \(limits.pendingBytes): try again later"
            )
        }
        if pending.commands + added.commands > limits.pendingCommands {
            return RedisError(
                .tooManyPending,
                "\(pending.commands) commands wait for Redis already; the limit is \(limits.pendingCommands): try again later"
            )
        }
        return nil
    }
}
