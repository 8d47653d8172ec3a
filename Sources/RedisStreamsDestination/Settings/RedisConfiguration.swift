/// Where Redis is, and how to talk to it.
///
/// Made from a url, or from its defaults and then changed:
///
/// ```swift
/// var configuration = try RedisConfiguration(url: "redis://collector:secret@redis.internal:6379/2")
/// configuration.commandTimeout = .seconds(3)
/// ```
///
/// | member | default | range |
/// |---|---|---|
/// | ``endpoint`` | `localhost:6379` | port 1…65535 |
/// | ``username`` | none: the user `default` | |
/// | ``password`` | none: no AUTH | |
/// | ``database`` | 0 | 0…2147483647 |
/// | ``clientName`` | `collectord` | no space, no control character |
/// | ``connectTimeout`` | 5 000 ms | 1 ms…1 h |
/// | ``commandTimeout`` | 10 000 ms | 1 ms…1 h |
/// | ``keepAlive`` | 15 s | 0 (off)…1 h, TCP only |
/// | ``tls`` | none: plain text | |
/// | ``sentinel`` | none: ``endpoint`` is the server | |
/// | ``limits`` | 64 MiB, 100 000 commands, 256 unanswered, 1 MiB per reply | at least 1 |
///
/// Printing it shows no user name and no password.
public struct RedisConfiguration: Sendable, Hashable {
    /// Where Redis listens.
    public enum Endpoint: Sendable, Hashable, CustomStringConvertible {
        /// A host name or address, and a port. A name is looked up at every attempt to connect, IPv4 first; only its
        /// first address is tried.
        case tcp(host: String, port: Int)
        /// A unix socket's path.
        case unix(path: String)

        /// `host:port`, or the path.
        public var description: String {
            switch self {
            case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): path
            }
        }
    }

    /// What the client holds at most.
    public struct Limits: Sendable, Hashable {
        /// Encoded bytes of commands that are not answered yet.
        ///
        /// Default 64 MiB.
        ///
        /// One batch is always taken when nothing else waits, however large.
        public var pendingBytes = 64 << 20
        /// Commands that are not answered yet.
        ///
        /// Default 100 000.
        public var pendingCommands = 100_000
        /// Commands that were written and are not answered yet; the others wait.
        ///
        /// Default 256.
        ///
        /// So many may be executed twice when a connection is lost.
        public var unansweredCommands = 256
        /// Bytes of one reply; a larger one closes the connection.
        ///
        /// Default 1 MiB.
        public var replyBytes = 1 << 20

        /// The defaults.
        public init() {}
    }

    /// Where Redis listens.
    ///
    /// Default `localhost:6379`.
    public var endpoint = Endpoint.tcp(host: "localhost", port: 6379)
    /// The ACL user.
    ///
    /// Nil: the user `default`.
    public var username: String?
    /// The password.
    ///
    /// Nil with no user name: the client does not authenticate.
    public var password: RedisSecret?
    /// The number of the database.
    ///
    /// Default 0.
    public var database = 0
    /// The name under which `CLIENT LIST` shows the connection.
    ///
    /// Default `collectord`.
    public var clientName = "collectord"
    /// How long connecting, including authentication, may take.
    ///
    /// Default 5 000 ms.
    public var connectTimeout = Duration.milliseconds(5_000)
    /// How long a command may wait for its reply, the time to connect included.
    ///
    /// Default 10 000 ms.
    public var commandTimeout = Duration.milliseconds(10_000)
    /// After how long a silence the kernel asks whether the other side still lives, in whole seconds; zero: never.
    ///
    /// Default 15 s.
    ///
    /// TCP only.
    public var keepAlive = Duration.seconds(15)
    /// How to speak TLS.
    ///
    /// Nil: plain text.
    public var tls: RedisTLS?
    /// The Sentinels that know where the primary is.
    ///
    /// Nil: ``endpoint`` is the server.
    public var sentinel: RedisSentinel?
    /// What the client holds at most.
    public var limits = Limits()
    /// Whether to ask every new connection's server how it treats streams; not for Sentinels, which hold none.
    var inspectsServer = true

    /// Redis on `localhost:6379`, database 0, no password.
    public init() {}
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The url without user name and password, for example `redis://<redacted>@localhost:6379/2`.
    public var description: String {
        let secret = username == nil && password == nil ? "" : "<redacted>@"
        let scheme = tls == nil ? "redis" : "rediss"
        return switch endpoint {
        case .tcp: "\(scheme)://\(secret)\(endpoint)/\(database)"
        case .unix(let path): "unix://\(secret)\(path)?db=\(database)"
        }
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Shows no user name and no password.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "url": description,
                "clientName": clientName,
                "connectTimeout": connectTimeout,
                "commandTimeout": commandTimeout,
                "keepAlive": keepAlive,
                "limits": limits,
            ]
        )
    }
}
