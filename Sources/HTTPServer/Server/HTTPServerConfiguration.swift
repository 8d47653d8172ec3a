public import NIOCore
public import NIOHTTP1

/// What a server listens on and what it allows.
///
/// ```swift
/// var configuration = HTTPServerConfiguration(listeners: [.tcp(host: "0.0.0.0", port: 8080)])
/// configuration.limits.maximumBodyByteCount = 5 * 1024 * 1024
/// ```
public struct HTTPServerConfiguration: Sendable {
    /// Where the server listens.
    ///
    /// At least one.
    public var listeners: [HTTPListener]

    /// The bounds every connection is held to.
    public var limits = HTTPLimits()

    /// How many connections the kernel may hold before they are accepted.
    ///
    /// Default: 1 024.
    public var backlog: Int = 1024

    /// Whether several processes may listen on the same TCP port (`SO_REUSEPORT`).
    ///
    /// Default: false.
    public var reusesPort: Bool = false

    /// The number of event loops, one thread each, when the server makes its own.
    ///
    /// Nil takes one for each processor core. Not used with an event loop group of the caller's. Default: nil.
    public var eventLoopCount: Int?

    /// How long a graceful shutdown waits for requests in flight, in milliseconds, before it closes their connections.
    ///
    /// Default: 10 000.
    public var drainTimeoutMilliseconds: Int = 10_000

    /// Called on the event loop after each answered request: the place for an access log.
    ///
    /// Default: nil.
    public var onExchange: (@Sendable (HTTPExchangeRecord) -> Void)?

    /// Creates a configuration with default limits.
    public init(listeners: [HTTPListener]) {
        self.listeners = listeners
    }
}

/// One answered request, as an access log wants it.
///
/// It carries the path but never the query, header fields or body: those may hold personal data and secrets.
public struct HTTPExchangeRecord: Sendable {
    /// The request's method.
    ///
    /// Nil when the server refused the request before it could read it.
    public var method: HTTPMethod?

    /// The request's path without its query.
    ///
    /// Empty when the server refused the request before it could read it.
    public var path: String

    /// The answer's status.
    public var status: HTTPResponseStatus

    /// The bytes of the request's body as they arrived, before decompression.
    public var requestBodyByteCount: Int

    /// The bytes of the answer, head and framing included; over HTTP/2 without the framing, and before the head was
    /// compressed.
    public var responseByteCount: Int

    /// The time from the request's head to the end of the answer.
    public var duration: TimeAmount

    /// The client's address.
    ///
    /// Nil for a client that has none, as on some Unix sockets.
    public var remoteAddress: SocketAddress?
}
