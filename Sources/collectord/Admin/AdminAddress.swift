import ArgumentParser
import HTTPServer

/// Where the admin door is: a port of this machine's own, or a unix socket.
enum AdminAddress: ExpressibleByArgument, CustomStringConvertible {
    case port(host: String, Int)
    case socket(path: String)

    private static let loopback = ["127.0.0.1", "localhost", "::1", "[::1]"]

    /// `9090`, `127.0.0.1:9090`, `localhost:9090`, `[::1]:9090` or `unix:/run/collectord.sock`; nil for all else, other
    /// addresses included: who may use this door may exchange the flow.
    init?(argument: String) {
        if argument.hasPrefix("unix:") {
            let path = argument.dropFirst(5)
            if path.isEmpty { return nil }
            self = .socket(path: String(path))
            return
        }
        let colon = argument.lastIndex(of: ":")
        let host = colon.map { String(argument[..<$0]) } ?? "127.0.0.1"
        let number = colon.map { argument[argument.index(after: $0)...] } ?? argument[...]
        guard Self.loopback.contains(host), let port = Int(number), 0...65_535 ~= port else { return nil }
        self = .port(host: host.filter { $0 != "[" && $0 != "]" }, port)
    }

    var description: String {
        switch self {
        case .port(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .socket(let path): "unix:\(path)"
        }
    }

    var listener: HTTPListener {
        switch self {
        case .port(let host, let port): .tcp(host: host, port: port)
        case .socket(let path): .unixSocket(path: path)
        }
    }
}
