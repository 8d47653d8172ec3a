import Logging
import Synchronization

/// What the callers and the client's thread share.
final class RedisClientCore: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What the thread takes out of the inbox, and the emptied arrays it puts in.
    struct Exchange {
        var bytes: [UInt8] = []
        var commandLengths: [Int] = []
        var batches: [RedisInbox.Batch] = []
        var phase = RedisInbox.Phase.idle
        /// Why the connection is to be made anew; nil: it is good.
        var reconnectReason: RedisError?
    }

    /// What happens to the connection, for those who choose among several.
    enum Event: Sendable {
        /// Commands flow.
        case ready
        /// The connection was lost, or could not be made.
        case lost(RedisError)
    }

    let configuration: RedisConfiguration
    let logger: Logger
    let wakeUp: RedisWakeUp
    /// Who knows where the primary is; nil: the configuration does.
    let sentinels: RedisSentinels?

    private let observer: (@Sendable (Event) -> Void)?
    private let connected = Atomic(false)
    // Bytes and commands answered since the beginning; only the thread writes them.
    private let answeredBytes = Atomic(0)
    private let answeredCommands = Atomic(0)
    private let inbox = Mutex(RedisInbox())

    /// `observer` is called on the client's thread; it must not block.
    init(
        configuration: RedisConfiguration,
        logger: Logger,
        observer: (@Sendable (Event) -> Void)? = nil
    ) throws(RedisError) {
        self.configuration = configuration
        self.logger = logger
        self.observer = observer
        self.wakeUp = try RedisWakeUp()
        self.sentinels = try configuration.sentinel.map { sentinel throws(RedisError) in
            try RedisSentinels(sentinel, configuration, logger)
        }
    }

    /// Where to connect to now.
    ///
    /// - Throws: ``RedisError`` when no Sentinel has named a primary yet.
    func endpoint() throws(RedisError) -> RedisConfiguration.Endpoint {
        try sentinels?.primary() ?? configuration.endpoint
    }

    /// Tells who chooses among several clients.
    func observe(_ event: Event) {
        if case .lost = event { sentinels?.lookAgain() }
        observer?(event)
    }
}

extension RedisClientCore {
    /// True from the end of the handshake to the loss of the connection.
    var isConnected: Bool {
        get { connected.load(ordering: .relaxed) }
        set { connected.store(newValue, ordering: .relaxed) }
    }
}

// MARK: - The callers' side

extension RedisClientCore {
    /// Encodes commands and adds them as one batch; `completion` is called exactly once, unless this throws.
    func enqueue(
        encode: (inout RESPEncoder) -> Void,
        completion: @escaping @Sendable (RedisReplies) -> Void
    ) throws(RedisError) {
        let shouldWake = try inbox.withLock { inbox throws(RedisError) in
            // Read inside the lock: deadlines must not decrease from batch to batch.
            let deadline = ContinuousClock.now + configuration.commandTimeout
            return try inbox.add(
                limits: configuration.limits,
                answered: RedisInbox.Amount(
                    bytes: answeredBytes.load(ordering: .acquiring),
                    commands: answeredCommands.load(ordering: .acquiring)
                ),
                deadline: deadline,
                encode: encode,
                completion: completion
            )
        }
        if shouldWake { wakeUp.wake() }
    }

    /// True: the caller starts the thread now.
    ///
    /// False: it was started, or is closed.
    func markStarted() -> Bool {
        inbox.withLock { inbox in
            guard inbox.phase == .idle else { return false }
            inbox.phase = .running
            return true
        }
    }

    /// Resumes the continuation when the client has ended.
    func quit(deadline: Instant, waiter: CheckedContinuation<RedisError?, Never>) {
        let wasIdle = inbox.withLock { inbox -> Bool? in
            switch inbox.phase {
            case .idle:
                inbox.quitWaiters.append(waiter)
                return true
            case .running:
                inbox.phase = .quitting(deadline: deadline)
                inbox.quitWaiters.append(waiter)
                return false
            case .quitting, .abandoned:
                inbox.quitWaiters.append(waiter)
                return false
            case .closed:
                return nil
            }
        }
        switch wasIdle {
        case true?: finish(nil)
        case false?: wakeUp.wake()
        case nil: waiter.resume(returning: nil)
        }
    }

    /// Closes the connection and makes it anew, wherever the server is now.
    func reconnect(_ reason: RedisError) {
        inbox.withLock { $0.reconnectReason = reason }
        wakeUp.wake()
    }

    /// Ends the thread without waiting for replies.
    ///
    /// Waiting commands fail.
    func abandon() {
        let wasIdle = inbox.withLock { inbox in
            if inbox.phase == .idle { return true }
            if inbox.phase == .running { inbox.phase = .abandoned }
            return false
        }
        if wasIdle {
            finish(nil)
        } else {
            wakeUp.wake()
        }
    }
}

// MARK: - The thread's side

extension RedisClientCore {
    /// Makes room for as much as was answered or given up since the beginning.
    ///
    /// Call it before completing: who hears of an answer may count on the room.
    func account(answered: RedisInbox.Amount) {
        answeredBytes.store(answered.bytes, ordering: .releasing)
        answeredCommands.store(answered.commands, ordering: .releasing)
    }

    /// Swaps the filled arrays for empty ones.
    func swapInbox(_ exchange: inout Exchange) {
        inbox.withLock { inbox in
            inbox.isThreadAsleep = false
            inbox.encoder.exchange(bytes: &exchange.bytes, commandLengths: &exchange.commandLengths)
            swap(&inbox.batches, &exchange.batches)
            exchange.phase = inbox.phase
            exchange.reconnectReason = inbox.reconnectReason
            inbox.reconnectReason = nil
        }
    }

    /// True: the inbox is empty, and whoever adds to it will wake the thread.
    ///
    /// False: do not sleep.
    func prepareToSleep() -> Bool {
        inbox.withLock { inbox in
            inbox.isThreadAsleep = inbox.batches.isEmpty && inbox.reconnectReason == nil
            return inbox.isThreadAsleep
        }
    }

    /// The client has ended: whatever is left fails, whoever waits for the end is resumed.
    func finish(_ error: RedisError?) {
        isConnected = false
        sentinels?.stop()
        var last = RedisInbox()
        last.phase = .closed
        inbox.withLock { swap(&$0, &last) }
        for batch in last.batches {
            let closed = RedisError(.closed, "the Redis client is closed")
            batch.completion(.failed(commandCount: batch.commandCount, closed))
        }
        for waiter in last.quitWaiters {
            waiter.resume(returning: error)
        }
    }
}
