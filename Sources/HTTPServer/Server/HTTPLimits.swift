/// The bounds that every connection of a server is held to.
///
/// Each bound has a default that suits small JSON requests; a handler may raise or lower the body limit for its own
/// requests (see ``HTTPBodyHandling``). A bound is exact: a request at the limit passes, one byte more is refused.
public struct HTTPLimits: Sendable, Hashable {
    /// The longest request target, in bytes.
    ///
    /// Longer ones are answered 414. Default: 8 192.
    public var maximumURILength: Int = 8 * 1024

    /// The sum of all header field names and values of a request, in bytes and without separators.
    ///
    /// More is answered 431. Default: 16 384.
    public var maximumHeaderByteCount: Int = 16 * 1024

    /// The number of header fields of a request, trailers included.
    ///
    /// More is answered 431. Default: 100.
    public var maximumHeaderFieldCount: Int = 100

    /// The largest request body, in bytes: as sent and also after decompression.
    ///
    /// Larger ones are answered 413. Default: 1 048 576.
    public var maximumBodyByteCount: Int = 1024 * 1024

    /// How many times larger than the compressed bytes a decompressed body may be.
    ///
    /// More is answered 413. Default: 100.
    public var maximumInflationRatio: Int = 100

    /// How many bytes of a body that nobody wants are read so that the connection can be used again.
    ///
    /// Beyond it the connection is closed after the answer. Default: 262 144.
    public var maximumDiscardedByteCount: Int = 256 * 1024

    /// The number of open connections.
    ///
    /// At the limit the server stops accepting; new clients wait in the listen queue of the kernel until a connection
    /// closes. Default: 10 000.
    public var maximumConnectionCount: Int = 10_000

    /// The number of open connections of one client: of an IPv4 address, or of an IPv6 network of 64 bits.
    ///
    /// One more is closed at once. Unix sockets are not counted, and 0 is no limit. Default: 1 000, a tenth of all: one
    /// client cannot keep the others out, and a proxy or an office behind one address has enough.
    public var maximumConnectionCountPerAddress: Int = 1_000

    /// The bytes of request bodies that the server holds at a time, over all connections: from their arrival until the
    /// answer is written, and both sizes of a compressed one.
    ///
    /// A request whose body does not fit is answered 503 with `Retry-After: 1`, before the body is read when its length
    /// is known. Streamed bodies are not counted: their receiver holds them. Should be many times
    /// `maximumBodyByteCount`. Default: 268 435 456.
    public var maximumInFlightByteCount: Int = 256 * 1024 * 1024

    /// The time from a connection's start, or from the first byte of a later request, to its complete head, in
    /// milliseconds.
    ///
    /// It includes the TLS handshake. A late head is answered 408. Default: 10 000.
    public var headerTimeoutMilliseconds: Int = 10_000

    /// How long a connection may rest between two requests, in milliseconds, before it is closed.
    ///
    /// Default: 60 000.
    public var idleTimeoutMilliseconds: Int = 60_000

    /// The time from a complete head to the complete body, in milliseconds.
    ///
    /// A late body is answered 408. A streamed body (``HTTPBodyHandling/stream(maximumByteCount:to:)``) may take longer,
    /// but it may rest no longer and come no slower than others. Default: 60 000.
    public var requestTimeoutMilliseconds: Int = 60_000

    /// How long none of a body's bytes may arrive, in milliseconds, before it is answered 408.
    ///
    /// Time in which its receiver had asked for a pause does not count. Default: 15 000.
    public var bodyIdleTimeoutMilliseconds: Int = 15_000

    /// How fast a body must arrive, in bytes per second, lest it be answered 408.
    ///
    /// Measured over spans of ``minimumRateGraceMilliseconds``, without the time in which its receiver had asked for a
    /// pause. 0 is no limit. Default: 1 024.
    public var minimumBodyBytesPerSecond: Int = 1024

    /// Over how long a time the speed of a body is measured, in milliseconds: one that is complete earlier may be slow.
    ///
    /// Default: 10 000.
    public var minimumRateGraceMilliseconds: Int = 10_000

    /// How long a client may take no byte of what is waiting for it, in milliseconds, before its connection is closed.
    ///
    /// Default: 30 000.
    public var writeTimeoutMilliseconds: Int = 30_000

    /// How long a connection that was answered before its request had been read still reads and drops what arrives, in
    /// milliseconds; and how long one that was just made when the server shuts down may take to send a head.
    ///
    /// Without it the client could lose the answer to a TCP reset. Default: 2 000.
    public var lingerTimeoutMilliseconds: Int = 2_000

    /// Creates the default limits.
    public init() {}
}
