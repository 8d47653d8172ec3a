import Logging
import Synchronization

/// The nodes of a Redis Cluster: one client each, and the map of slots.
///
/// The map is asked for every second, and moves at once where a redirection says so. All nodes are asked, the first
/// answer counts, so that a node that hangs delays nothing. The client of a node that has no slots any more is closed;
/// what waited for it goes to the new owner.
///
/// Related documentation: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
final class RedisCluster: RedisNodes {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// How often the map is asked for while all is well.
    static let interval = Duration.seconds(1)
    /// How often while it is not known, or after a redirection or a loss of connection.
    static let urgentInterval = Duration.milliseconds(100)
    /// How long a node that has no slots any more may take for what is under way.
    static let retirementTimeout = Duration.seconds(1)

    private struct State {
        var map = RedisSlotMap()
        var clients: [Endpoint: RedisClient] = [:]
        var isUrgent = true
        var isClosed = false
        var watching: Task<Void, Never>?
    }

    private let configuration: RedisConfiguration
    private let logger: Logger
    /// Who is asked when nobody else is known.
    private let seeds: [Endpoint]
    private let state = Mutex(State())

    /// A cluster of which the configuration's endpoint and `seeds` are nodes.
    init(_ configuration: RedisConfiguration, seeds: [Endpoint], _ logger: Logger) {
        self.configuration = configuration
        self.seeds = [configuration.endpoint] + seeds
        self.logger = logger
    }

    deinit {
        state.withLock { $0.watching }?.cancel()
    }

    /// Begins to ask for the map; returns at once.
    ///
    /// - Throws: ``RedisError`` when a client cannot be started, such as for unreadable certificates.
    func start() throws(RedisError) {
        for seed in seeds { _ = try addClient(at: seed) }
        let watching = Task { [weak self] in
            while !Task.isCancelled {
                guard let wait = await self?.lookOnce() else { return }
                try? await Task.sleep(for: wait)
            }
        }
        state.withLock { $0.watching = watching }
    }

    // MARK: RedisNodes

    var isCluster: Bool { true }

    func client(forKey key: String) -> RedisClient? {
        let slot = RedisHashSlot.slot(of: key)
        let (client, owner) = state.withLock { state -> (RedisClient?, Endpoint?) in
            guard let owner = state.map.owner(of: slot) else {
                // Any node knows better.
                return (state.clients.values.first { $0.isConnected } ?? state.clients.values.first, nil)
            }
            return (state.clients[owner], owner)
        }
        return client ?? self.client(at: owner ?? configuration.endpoint)
    }

    func client(at endpoint: Endpoint) -> RedisClient? {
        if let client = state.withLock({ $0.clients[endpoint] }) { return client }
        do throws(RedisError) {
            return try addClient(at: endpoint)
        } catch {
            logger.error("no connection to a node of the cluster", metadata: ["error": "\(error.message)"])
            return nil
        }
    }

    func moved(_ redirect: RedisRedirect) {
        state.withLock { state in
            state.map.move(redirect.slot, to: redirect.endpoint)
            state.isUrgent = true
        }
    }

    func lookAgain() {
        state.withLock { $0.isUrgent = true }
    }

    func quit(timeout: Duration) async throws(RedisError) {
        let (watching, clients) = state.withLock { state -> (Task<Void, Never>?, [RedisClient]) in
            state.isClosed = true
            let clients = Array(state.clients.values)
            state.clients = [:]
            return (state.watching, clients)
        }
        watching?.cancel()
        let errors = await withTaskGroup(of: RedisError?.self) { group in
            for client in clients {
                group.addTask { () async -> RedisError? in
                    do throws(RedisError) {
                        try await client.quit(timeout: timeout)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: [RedisError?]()) { $0.append($1) }
        }
        if let error = errors.lazy.compactMap({ $0 }).first { throw error }
    }
}

// MARK: - Clients

extension RedisCluster {
    /// The client of a node, made if there is none; nil when the cluster is closed.
    private func addClient(at endpoint: Endpoint) throws(RedisError) -> RedisClient? {
        var own = configuration
        own.endpoint = endpoint
        let made = try RedisClient(configuration: own, logger: logger) { [weak self] event in
            if case .lost = event { self?.lookAgain() }
        }
        let (client, isNew) = state.withLock { state -> (RedisClient?, Bool) in
            if state.isClosed { return (nil, false) }
            if let known = state.clients[endpoint] { return (known, false) }
            state.clients[endpoint] = made
            return (made, true)
        }
        if isNew { try made.start() }
        return client
    }

    /// Closes the clients of nodes without slots, once it is known who has some.
    private func retireClients() {
        let retired = state.withLock { state -> [RedisClient] in
            let keep = Set(state.map.nodes)
            guard !keep.isEmpty else { return [] }
            let retired = state.clients.filter { !keep.contains($0.key) }
            for endpoint in retired.keys { state.clients[endpoint] = nil }
            return Array(retired.values)
        }
        for client in retired {
            if client.isConnected {
                Task { try? await client.quit(timeout: Self.retirementTimeout) }
            } else {
                client.abandon()
            }
        }
    }
}

// MARK: - The map

extension RedisCluster {
    /// Asks for the map once; returns how long to wait before the next time.
    private func lookOnce() async -> Duration {
        switch await askAll() {
        case .success(let map):
            let (wait, missing) = state.withLock { state -> (Duration, [Endpoint]) in
                let wait = state.isUrgent ? Self.urgentInterval : Self.interval
                state.isUrgent = false
                state.map = map
                return (wait, map.nodes.filter { state.clients[$0] == nil })
            }
            for endpoint in missing { _ = client(at: endpoint) }
            retireClients()
            return wait
        case .failure(let error):
            logger.debug("no node of the cluster told its slots", metadata: ["error": "\(error.message)"])
            // Whoever was known may be gone for good.
            for seed in seeds { _ = client(at: seed) }
            return Self.urgentInterval
        }
    }

    private func askAll() async -> Result<RedisSlotMap, RedisError> {
        let clients = state.withLock { Array($0.clients.values) }
        return await withCheckedContinuation { continuation in
            let none = RedisError(.connectionFailed, "no node of the cluster is known")
            let race = RedisRace(runnerCount: clients.count, ifNone: none, continuation)
            for client in clients {
                let endpoint = client.configuration.endpoint
                do throws(RedisError) {
                    try client.enqueue {
                        $0.command(["CLUSTER", "SLOTS"])
                    } completion: { replies in
                        race.arrived(Self.map(in: replies, from: endpoint))
                    }
                } catch {
                    race.arrived(.failure(error))
                }
            }
        }
    }

    private static func map(in replies: RedisReplies, from endpoint: Endpoint) -> Result<RedisSlotMap, RedisError> {
        guard replies.count == 1 else {
            return .failure(replies.failure ?? RedisError(.closed, "the Redis client is closed"))
        }
        if case .error(let text) = replies[0] { return .failure(RedisError(.errorReply, text)) }
        guard let map = RedisSlotMap(replies[0], askedHost: endpoint.host), !map.nodes.isEmpty else {
            return .failure(
                RedisError(.protocolViolation, "\(endpoint) answered with something that is no map of slots")
            )
        }
        return .success(map)
    }
}
