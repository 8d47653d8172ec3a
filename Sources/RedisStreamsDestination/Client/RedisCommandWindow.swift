/// Which commands are unanswered, which of their bytes the current connection has taken, and until when each batch
/// waits.
///
/// Positions count bytes from the first command ever, so they never repeat. Commands are answered in the order in
/// which they were added; what is unanswered is always one run of bytes, `answered..<end`.
struct RedisCommandWindow {
    typealias Instant = ContinuousClock.Instant

    private struct Batch {
        let commandCount: Int
        let deadline: Instant
    }

    /// What became of batches whose time is over.
    struct Expiry: Equatable {
        /// How many batches were removed from the front.
        var batchCount = 0
        /// True when the current connection was given some of their bytes: it may still answer them.
        var wasWritten = false
    }

    /// Every command before this position is answered or given up.
    private(set) var answered = 0
    /// How many commands were answered or given up.
    private(set) var answeredCommandCount = 0
    /// The current connection has taken everything before this position.
    private(set) var written = 0
    /// The end of the last command.
    private(set) var end = 0
    /// The end of the last command that may be written now.
    private var allowed = 0
    /// How many of the unanswered commands lie before ``allowed``.
    private var allowedCommandCount = 0
    private let maximumUnansweredCommands: Int

    private var lengths = RedisQueue<Int>()
    private var batches = RedisQueue<Batch>()
    private var answeredInFirstBatch = 0

    /// Lets at most so many commands be written and unanswered: they may be executed twice when the connection is lost.
    init(maximumUnansweredCommands: Int) {
        self.maximumUnansweredCommands = maximumUnansweredCommands
    }

    /// True when no command waits for its reply.
    var isEmpty: Bool { batches.isEmpty }

    /// How many commands wait for their reply.
    var commandCount: Int { lengths.count }

    /// How many batches wait for replies.
    var batchCount: Int { batches.count }

    /// When the first batch must have its replies.
    var nextDeadline: Instant? { batches.first?.deadline }

    /// The bytes to give to the connection next; empty when it has all that it may have now.
    var unwritten: Range<Int> { written..<max(written, allowed) }

    /// Adds one command's encoded length, in bytes.
    ///
    /// Add its batch afterwards.
    mutating func append(commandLength: Int) {
        lengths.append(commandLength)
        end += commandLength
        allowMore()
    }

    /// Declares the last `commandCount` commands one batch.
    ///
    /// Deadlines must not decrease from batch to batch.
    mutating func append(batchOf commandCount: Int, deadline: Instant) {
        batches.append(Batch(commandCount: commandCount, deadline: deadline))
    }

    /// The connection took this many bytes more.
    mutating func wrote(_ byteCount: Int) {
        written += byteCount
    }

    /// A reply came.
    ///
    /// Nil: no complete command waits for one. True: it was the last of its batch.
    mutating func receivedReply() -> Bool? {
        guard let length = lengths.first, let batch = batches.first, answered + length <= written else { return nil }
        _ = lengths.popFirst()
        answered += length
        allowedCommandCount -= 1
        // Not one by one: each writing costs a call of the system.
        if allowedCommandCount <= maximumUnansweredCommands - maximumUnansweredCommands / 4 { allowMore() }
        answeredCommandCount += 1
        answeredInFirstBatch += 1
        guard answeredInFirstBatch == batch.commandCount else { return false }
        _ = batches.popFirst()
        answeredInFirstBatch = 0
        return true
    }

    /// The connection is gone: everything unanswered will be written again, from the first command without a reply.
    mutating func rewind() {
        written = answered
    }

    /// Removes the batches whose deadline has come.
    mutating func expire(now: Instant) -> Expiry {
        var expiry = Expiry()
        while let batch = batches.first, batch.deadline <= now {
            expiry.wasWritten = expiry.wasWritten || written > answered
            removeFirstBatch()
            expiry.batchCount += 1
        }
        return expiry
    }

    /// Removes all batches; returns how many there were.
    mutating func removeAll() -> Int {
        let count = batches.count
        while !batches.isEmpty {
            removeFirstBatch()
        }
        return count
    }

    /// Removes the batch that waits longest, answered in part or not.
    mutating func removeFirstBatch() {
        guard let batch = batches.popFirst() else { return }
        for _ in answeredInFirstBatch..<batch.commandCount {
            answered += lengths.popFirst() ?? 0
            answeredCommandCount += 1
            allowedCommandCount = max(0, allowedCommandCount - 1)
        }
        allowed = max(allowed, answered)
        allowMore()
        answeredInFirstBatch = 0
        written = max(written, answered)
    }

    private mutating func allowMore() {
        while allowedCommandCount < maximumUnansweredCommands, let length = lengths.element(at: allowedCommandCount) {
            allowed += length
            allowedCommandCount += 1
        }
    }
}
