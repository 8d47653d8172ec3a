/// What callers leave for the client's thread, under one short lock.
struct RedisInbox: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Commands that are completed together.
    struct Batch: Sendable {
        let commandCount: Int
        let deadline: Instant
        let completion: @Sendable (RedisReplies) -> Void
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
    /// Bytes and commands accepted and not yet answered, here and on the thread's side.
    var pendingBytes = 0
    var pendingCommands = 0
    /// True while the thread sleeps or is about to: whoever adds something wakes it.
    var isThreadAsleep = false
    /// Told how the client ended.
    var quitWaiters: [CheckedContinuation<RedisError?, Never>] = []

    /// Encodes commands and adds them as one batch.
    ///
    /// True: wake the thread.
    mutating func add(
        limits: RedisConfiguration.Limits,
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
        let byteCount = encoder.bytes.count - bytesBefore
        let commandCount = encoder.commandLengths.count - commandsBefore
        if let error = refusal(byteCount: byteCount, commandCount: commandCount, limits: limits) {
            encoder.truncate(byteCount: bytesBefore, commandCount: commandsBefore)
            throw error
        }
        pendingBytes += byteCount
        pendingCommands += commandCount
        batches.append(Batch(commandCount: commandCount, deadline: deadline, completion: completion))
        guard isThreadAsleep else { return false }
        isThreadAsleep = false
        return true
    }

    // A batch that is larger than the limits goes alone: refused for ever, it could never be delivered.
    private func refusal(byteCount: Int, commandCount: Int, limits: RedisConfiguration.Limits) -> RedisError? {
        if encoder.hasOversizedArgument {
            let limit = RESPEncoder.maximumArgumentBytes
            return RedisError(.commandTooLarge, "an argument is longer than the \(limit) bytes that Redis accepts")
        }
        guard pendingCommands > 0 else { return nil }
        if pendingBytes + byteCount > limits.pendingBytes {
            return RedisError(
                .tooManyPending,
                "\(pendingBytes) bytes wait for Redis already; the limit is \(limits.pendingBytes): try again later"
            )
        }
        if pendingCommands + commandCount > limits.pendingCommands {
            return RedisError(
                .tooManyPending,
                "\(pendingCommands) commands wait for Redis already; the limit is \(limits.pendingCommands): try again later"
            )
        }
        return nil
    }
}
