/// One door of a server: where it listens, and whether it speaks TLS there.
///
/// ```swift
/// let tls = HTTPServerTLS(certificatePath: "/etc/tls/server.pem", keyPath: "/etc/tls/server.key")
/// let listeners: [HTTPListener] = [
///     .tcp(host: "0.0.0.0", port: 8443, tls: tls),
///     .unixSocket(path: "/run/collectord.sock"),
/// ]
/// ```
public struct HTTPListener: Sendable, Hashable {
    /// Where the server listens.
    public var address: HTTPListenerAddress

    /// How TLS is spoken there.
    ///
    /// Nil speaks plain HTTP.
    public var tls: HTTPServerTLS?

    /// Creates a listener; `tls` nil speaks plain HTTP.
    public init(_ address: HTTPListenerAddress, tls: HTTPServerTLS? = nil) {
        self.address = address
        self.tls = tls
    }

    /// A TCP port on an address or host name. Port 0 asks the kernel for a free one; see ``HTTPServer/boundAddresses``.
    public static func tcp(host: String, port: Int, tls: HTTPServerTLS? = nil) -> HTTPListener {
        HTTPListener(.tcp(host: host, port: port), tls: tls)
    }

    /// A Unix domain socket, as ``HTTPListenerAddress/unixSocket(path:)`` says.
    public static func unixSocket(path: String, tls: HTTPServerTLS? = nil) -> HTTPListener {
        HTTPListener(.unixSocket(path: path), tls: tls)
    }
}
