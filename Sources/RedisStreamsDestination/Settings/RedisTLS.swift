/// How TLS is spoken with Redis: whom to trust, and as whom to appear.
///
/// ```swift
/// var configuration = try RedisConfiguration(url: "rediss://redis.internal")
/// configuration.tls?.authorities = .file("/etc/redis/ca.pem")
/// ```
///
/// The server's certificate is always verified, and so is that it was issued for the server's name. TLS 1.2 and newer.
public struct RedisTLS: Sendable, Hashable {
    /// Certificates or a key in PEM.
    public enum PEM: Sendable, Hashable {
        /// The file at this absolute path; it is read again for every connection, so that it may be renewed.
        case file(String)
        /// The text itself, beginning with `-----BEGIN`.
        case text(RedisSecret)

        /// A text that begins like PEM is PEM, every other is a path.
        public init(_ text: String) {
            self = text.hasPrefix("-----BEGIN") ? .text(RedisSecret(text)) : .file(text)
        }
    }

    /// The authorities, or the servers' own certificates, to trust.
    ///
    /// Nil: those that the operating system trusts.
    public var authorities: PEM?
    /// The client's certificate, for servers that want one, followed by those that lead to its authority.
    ///
    /// Nil: none.
    public var certificate: PEM?
    /// The key of ``certificate``, without a passphrase.
    ///
    /// Nil: it stands in the same file or text.
    public var key: PEM?
    /// The name that the server's certificate must be for.
    ///
    /// Nil: the host to which the connection is made. An address is looked for among the certificate's addresses.
    public var serverName: String?

    /// The authorities that the operating system trusts, no certificate of the client.
    public init() {}
}
