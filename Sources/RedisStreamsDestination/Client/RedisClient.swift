public import Logging

/// One long-lived connection to Redis, shared by any number of tasks.
///
/// Commands of all callers are pipelined over one connection, on a thread of its own. The connection is made in the
/// background and made again whenever it is lost, after 50 ms to 2 s with jitter, for ever. Commands wait meanwhile;
/// commands whose reply was lost with the connection are sent again, in order, before newer ones. So a command runs
/// at least once, and after a lost connection perhaps twice.
///
/// ```swift
/// let client = try RedisClient(configuration: RedisConfiguration(url: "redis://localhost"), logger: logger)
/// try client.start()
/// let reply = try await client.command(["XLEN", "walkeros:events"])  // .integer(3)
/// try await client.quit()
/// ```
///
/// A command without a reply within ``RedisConfiguration/commandTimeout`` fails with ``RedisError/Code/timedOut``;
/// its connection is closed, so that a late reply can never be taken for another command's. At most
/// ``RedisConfiguration/Limits/pendingBytes`` wait; more are refused with ``RedisError/Code/tooManyPending``.
///
/// Releasing the last reference without ``quit(timeout:)`` closes the connection and fails what waits.
///
/// hiredis resolves host names with a call that blocks the client's thread: while a name server does not answer,
/// timeouts are late by as much.
public final class RedisClient: Sendable {
    /// The settings that the client was made with.
    public let configuration: RedisConfiguration

    private let core: RedisClientCore

    /// Makes a client that does nothing until ``start()``.
    ///
    /// Redis need not be up.
    ///
    /// - Throws: ``RedisError/Code/threadFailed`` when the process has no descriptor left.
    public init(configuration: RedisConfiguration, logger: Logger) throws(RedisError) {
        self.configuration = configuration
        self.core = try RedisClientCore(configuration: configuration, logger: logger)
    }

    /// A client that tells what happens to its connection, on its own thread.
    init(
        configuration: RedisConfiguration,
        logger: Logger,
        observer: @escaping @Sendable (RedisClientCore.Event) -> Void
    ) throws(RedisError) {
        self.configuration = configuration
        self.core = try RedisClientCore(configuration: configuration, logger: logger, observer: observer)
    }

    deinit {
        core.abandon()
    }

    /// Starts the client's thread, which connects in the background.
    ///
    /// Calling it again does nothing.
    ///
    /// - Throws: ``RedisError``: `threadFailed` when the process gets no thread, `invalidConfiguration` when
    ///   certificates or key for TLS cannot be read.
    public func start() throws(RedisError) {
        guard core.markStarted() else { return }
        do throws(RedisError) {
            if let tls = configuration.tls { try tls.check() }
            try core.sentinels?.start { [weak core] reason in core?.reconnect(reason) }
            try RedisClientThread.start(core)
        } catch {
            core.finish(error)
            throw error
        }
    }

    /// True while Redis is connected and took the user, the password and the database.
    public var isConnected: Bool {
        core.isConnected
    }

    /// Sends one command and waits for its reply; an error that Redis answers is the reply `.error`.
    ///
    /// Cancelling the task does not take the command back: the call returns with the reply or at the timeout.
    ///
    /// - Parameter arguments: The command's name and its arguments, at least one. They may hold any bytes.
    /// - Throws: ``RedisError``: `timedOut`, `handshakeRefused`, `closed`, `tooManyPending` or `commandTooLarge`.
    public func command(_ arguments: [String]) async throws(RedisError) -> RedisReply {
        guard !arguments.isEmpty else {
            throw RedisError(.invalidConfiguration, "a Redis command needs at least its name")
        }
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<RedisReply, RedisError>, Never>) in
            do throws(RedisError) {
                try enqueue(encode: { $0.command(arguments) }) { replies in
                    continuation.resume(returning: replies.onlyResult)
                }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Appends the commands that `encode` writes as one batch.
    ///
    /// `completion` is called exactly once, on the client's thread, with one reply per command in order, or with fewer
    /// and the reason; it must not block. When this throws, it is not called.
    ///
    /// - Parameter encode: Writes at least one command. It runs under the client's lock: keep it short, and do not
    ///   call the client in it.
    func enqueue(
        encode: (inout RESPEncoder) -> Void,
        completion: @escaping @Sendable (RedisReplies) -> Void
    ) throws(RedisError) {
        try core.enqueue(encode: encode, completion: completion)
    }

    /// Ends at once: everything waiting fails with ``RedisError/Code/closed``, also what may have been executed.
    func abandon() {
        core.abandon()
    }

    /// Waits until everything is answered, sends QUIT and closes the connection.
    ///
    /// New commands are refused from now on. The client is closed when this returns, also when it throws. Calling it
    /// again waits for the same end and does nothing else.
    ///
    /// - Parameter timeout: How long commands and QUIT may take together.
    /// - Throws: ``RedisError``: `timedOut` when not everything was answered, `errorReply` when Redis refused QUIT,
    ///   `connectionFailed` when the connection broke instead of an answer to QUIT.
    public func quit(timeout: Duration = .seconds(5)) async throws(RedisError) {
        let error = await withCheckedContinuation { continuation in
            core.quit(deadline: .now + timeout, waiter: continuation)
        }
        if let error { throw error }
    }
}

extension RedisReplies {
    /// The outcome of a batch of one command.
    fileprivate var onlyResult: Result<RedisReply, RedisError> {
        if count > 0 { return .success(self[0]) }
        return .failure(failure ?? RedisError(.closed, "the Redis client is closed"))
    }
}
