/// How a listener speaks TLS: whose certificate it shows, and which clients it wants to see one of.
///
/// TLS 1.2 and newer. The files are read at start, and again, without a restart, once they have changed.
///
/// ```swift
/// let tls = HTTPServerTLS(certificatePath: "/etc/tls/server.pem", keyPath: "/etc/tls/server.key")
/// let listener = HTTPListener.tcp(host: "0.0.0.0", port: 8443, tls: tls)
/// ```
public struct HTTPServerTLS: Sendable, Hashable {
    /// The file with the server's certificate and those between it and the authority, in PEM.
    public var certificatePath: String

    /// The file with the certificate's key, in PEM and without a passphrase.
    public var keyPath: String

    /// The file with the authorities whose clients are let in, in PEM; every client must then show a certificate.
    ///
    /// Nil asks for none. Default: nil.
    public var clientAuthoritiesPath: String?

    /// How long changed files may go unnoticed, in milliseconds.
    ///
    /// Looked at when a connection is made. Default: 5 000.
    public var recheckMilliseconds: Int = 5_000

    /// Whether clients may choose HTTP/2 in the handshake; those that do not speak HTTP/1.1.
    ///
    /// Default: true.
    public var offersHTTP2: Bool = true

    /// TLS with that certificate.
    public init(certificatePath: String, keyPath: String, clientAuthoritiesPath: String? = nil) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.clientAuthoritiesPath = clientAuthoritiesPath
    }

    var paths: [String] { [certificatePath, keyPath] + (clientAuthoritiesPath.map { [$0] } ?? []) }
}
