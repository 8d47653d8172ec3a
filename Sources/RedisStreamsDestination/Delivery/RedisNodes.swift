/// The clients that a destination writes through: one, or one per node of a cluster.
protocol RedisNodes: Sendable {
    /// True when `MOVED` and `ASK` can be followed.
    var isCluster: Bool { get }

    /// The client for a key; nil when there is none (any more).
    func client(forKey key: String) -> RedisClient?

    /// The client for the node at an address, which a redirection named; nil when there is none (any more).
    func client(at endpoint: RedisConfiguration.Endpoint) -> RedisClient?

    /// A node said that another has the slot.
    func moved(_ redirect: RedisRedirect)

    /// A node said that it cannot tell who has a slot now.
    func lookAgain()

    /// Waits until everything is answered, then closes all connections.
    func quit(timeout: Duration) async throws(RedisError)
}

/// One client for everything.
struct RedisSingleNode: RedisNodes {
    let client: RedisClient

    var isCluster: Bool { false }
    func client(forKey key: String) -> RedisClient? { client }
    func client(at endpoint: RedisConfiguration.Endpoint) -> RedisClient? { nil }
    func moved(_ redirect: RedisRedirect) {}
    func lookAgain() {}
    func quit(timeout: Duration) async throws(RedisError) { try await client.quit(timeout: timeout) }
}
