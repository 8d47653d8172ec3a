/// Where a server listens.
public enum HTTPListenerAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP port on an address or host name. Port 0 asks the kernel for a free one; see ``HTTPServer/boundAddresses``.
    case tcp(host: String, port: Int)

    /// A Unix domain socket with the mode 0660. A socket file that an earlier process left behind is replaced; one
    /// that somebody still listens on, or a file of another kind, is an error. At shutdown the file is removed, unless
    /// another has taken its place.
    case unixSocket(path: String)

    /// A socket that listens already, which whoever started the process gave it: connections that arrive while one
    /// process ends and the next one starts wait in it. The server closes the descriptor at shutdown.
    case inherited(descriptor: Int32)

    /// The address as text: `127.0.0.1:8080` or `unix:/run/collectord.sock`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unixSocket(let path): "unix:\(path)"
        case .inherited(let descriptor): "descriptor \(descriptor)"
        }
    }
}
