import Logging
import Synchronization

/// Finds the primary by asking Sentinels, and follows it.
///
/// All Sentinels are asked at once, over connections that stay open; the first that names an address wins, since one
/// of them may be down. They are asked every second, so that a primary that hangs is left as soon as another was
/// chosen, and more often while there is no connection. Whether the server is indeed a primary is checked by the
/// handshake (`ROLE`).
///
/// Related documentation: <https://redis.io/docs/latest/develop/reference/sentinel-clients/>
final class RedisSentinels: Sendable {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// How often the Sentinels are asked while all is well.
    static let interval = Duration.seconds(1)
    /// How often while there is no connection.
    static let urgentInterval = Duration.milliseconds(100)

    private struct State {
        var primary: Endpoint?
        var problem = RedisError(.connectionFailed, "no Sentinel has answered yet")
        /// True while the connection to the primary is down.
        var isUrgent = true
        var watching: Task<Void, Never>?
    }

    private let primaryName: String
    private let logger: Logger
    private let clients: [RedisClient]
    private let state = Mutex(State())

    init(
        _ sentinel: RedisSentinel,
        _ configuration: RedisConfiguration,
        _ logger: Logger
    ) throws(RedisError) {
        primaryName = sentinel.primaryName
        self.logger = logger
        var clients: [RedisClient] = []
        for endpoint in sentinel.endpoints {
            var own = RedisConfiguration()
            own.endpoint = endpoint
            own.username = sentinel.username
            own.password = sentinel.password
            own.tls = sentinel.tls
            own.clientName = configuration.clientName
            own.connectTimeout = configuration.connectTimeout
            own.commandTimeout = configuration.connectTimeout
            own.keepAlive = configuration.keepAlive
            own.inspectsServer = false
            clients.append(try RedisClient(configuration: own, logger: logger))
        }
        self.clients = clients
    }

    /// The primary's address.
    ///
    /// - Throws: ``RedisError`` as long as no Sentinel has named one.
    func primary() throws(RedisError) -> Endpoint {
        let (primary, problem) = state.withLock { ($0.primary, $0.problem) }
        guard let primary else { throw problem }
        return primary
    }

    /// The connection is down: the address may be an old one.
    func lookAgain() {
        state.withLock { $0.isUrgent = true }
    }

    /// Asks from now on; `onMove` is called when the primary is another one than before.
    func start(onMove: @escaping @Sendable (RedisError) -> Void) throws(RedisError) {
        for client in clients { try client.start() }
        let watching = Task { [weak self] in
            while !Task.isCancelled {
                guard let wait = await self?.lookOnce(onMove) else { return }
                try? await Task.sleep(for: wait)
            }
        }
        state.withLock { $0.watching = watching }
    }

    /// Asks no more.
    func stop() {
        state.withLock { $0.watching }?.cancel()
        for client in clients { client.abandon() }
    }

    // MARK: Asking

    /// Asks all Sentinels once; returns how long to wait before the next time.
    private func lookOnce(_ onMove: @Sendable (RedisError) -> Void) async -> Duration {
        let answer = await ask()
        let (hasMoved, wait) = state.withLock { state -> (Bool, Duration) in
            let wait = state.isUrgent ? Self.urgentInterval : Self.interval
            switch answer {
            case .success(let endpoint):
                let hasMoved = state.primary != nil && state.primary != endpoint
                state.primary = endpoint
                state.isUrgent = false
                return (hasMoved, wait)
            case .failure(let error):
                // The address that is known stays: Sentinels may be away while the primary serves.
                state.problem = error
                return (false, wait)
            }
        }
        if hasMoved {
            logger.info("Sentinel named another primary", metadata: ["name": "\(primaryName)"])
            onMove(RedisError(.connectionFailed, "Sentinel named another primary"))
        }
        return wait
    }

    /// The first address that is named, or a problem when none is; a Sentinel that hangs delays nothing.
    private func ask() async -> Result<Endpoint, RedisError> {
        await withCheckedContinuation { continuation in
            let none = RedisError(.invalidConfiguration, "no Sentinel is configured")
            let race = RedisRace(runnerCount: clients.count, ifNone: none, continuation)
            for client in clients {
                let sentinel = client.configuration.endpoint
                do throws(RedisError) {
                    try client.enqueue { [primaryName] encoder in
                        encoder.command(["SENTINEL", "get-master-addr-by-name", primaryName])
                    } completion: { replies in
                        race.arrived(Self.address(in: replies, from: sentinel))
                    }
                } catch {
                    race.arrived(.failure(error))
                }
            }
        }
    }

    private static func address(in replies: RedisReplies, from sentinel: Endpoint) -> Result<Endpoint, RedisError> {
        func failure(_ problem: String) -> Result<Endpoint, RedisError> {
            .failure(RedisError(.connectionFailed, "the Sentinel at \(sentinel) \(problem)"))
        }
        guard replies.count == 1 else {
            return failure("did not answer: \(replies.failure?.message ?? "the client is closed")")
        }
        switch replies[0] {
        case .array(let parts):
            guard parts.count == 2, let host = parts[0].text, RedisOptions.isHost(host),
                let port = parts[1].text.flatMap({ RedisOptions.wholeNumber($0[...], in: RedisOptions.ports) })
            else { return failure("answered with something that is no address") }
            return .success(.tcp(host: host, port: port))
        case .null: return failure("knows no primary of that name: check redis.options.name")
        case .error(let text): return failure("answered \(text)")
        case .status, .integer, .bulk: return failure("answered with something that is no address")
        }
    }
}
