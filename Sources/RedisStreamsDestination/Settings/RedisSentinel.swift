/// The Sentinels that watch over a primary and its replicas.
///
/// ```swift
/// configuration.sentinel = RedisSentinel(primaryName: "events", endpoints: [.tcp(host: "sentinel-1", port: 26379)])
/// ```
public struct RedisSentinel: Sendable, Hashable {
    /// The name that the Sentinels have for the primary.
    public var primaryName: String
    /// Where the Sentinels listen; one that answers is enough.
    public var endpoints: [RedisConfiguration.Endpoint]
    /// The ACL user for the Sentinels.
    ///
    /// Nil: the user `default`.
    public var username: String?
    /// The password for the Sentinels.
    ///
    /// Nil with no user name: the client does not authenticate.
    public var password: RedisSecret?
    /// How to speak TLS with the Sentinels.
    ///
    /// Nil: plain text. ``RedisConfiguration/tls`` is for the primary.
    public var tls: RedisTLS?

    /// Sentinels without password and TLS.
    public init(primaryName: String, endpoints: [RedisConfiguration.Endpoint]) {
        self.primaryName = primaryName
        self.endpoints = endpoints
    }
}
