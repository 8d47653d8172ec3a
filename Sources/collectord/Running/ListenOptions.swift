import ArgumentParser
import CollectorHTTP
import Foundation
import HTTPServer

/// Where the daemon listens, for sources that do not say it themselves.
struct ListenOptions: ParsableArguments {
    @Option(help: "The port to listen on; 0 lets the system choose.")
    var port: Int = 8080

    @Option(help: "The address to listen on.")
    var host: String = "0.0.0.0"

    @Option(name: .customLong("socket"), help: "Listen on this unix socket as well.", completion: .file())
    var socketPath: String?

    @Option(
        name: .customLong("tls-certificate"),
        help: "The server's certificate chain, in PEM; all ports then speak TLS. Read again when it changes."
    )
    var certificatePath: String?

    @Option(name: .customLong("tls-key"), help: "The certificate's key, in PEM, without a passphrase.")
    var keyPath: String?

    @Option(
        name: .customLong("tls-client-authorities"),
        help: "Let in only clients with a certificate of these authorities, in PEM."
    )
    var clientAuthoritiesPath: String?

    func validate() throws {
        guard 0...65_535 ~= port else { throw ValidationError("--port is a number from 0 to 65535") }
        guard (certificatePath == nil) == (keyPath == nil), certificatePath != nil || clientAuthoritiesPath == nil
        else {
            throw ValidationError(
                "--tls-certificate and --tls-key go together, with --tls-client-authorities or without"
            )
        }
    }

    /// How TLS is spoken on ports; nil for plain HTTP.
    var tls: HTTPServerTLS? {
        guard let certificatePath, let keyPath else { return nil }
        return HTTPServerTLS(
            certificatePath: certificatePath,
            keyPath: keyPath,
            clientAuthoritiesPath: clientAuthoritiesPath
        )
    }

    /// The listeners of sources that name none: sockets that were inherited take the place of the port.
    var listeners: [HTTPListener] {
        let inherited = Self.inherited.map { descriptor in
            HTTPListener(
                .inherited(descriptor: descriptor),
                tls: InheritedSockets.isLocal(descriptor) ? nil : tls
            )
        }
        let ports = inherited.isEmpty ? [.tcp(host: host, port: port, tls: tls)] : inherited
        return ports + (socketPath.map { [.unixSocket(path: $0)] } ?? [])
    }

    /// Looked at once: who asks later would find the descriptors in use.
    private static let inherited = InheritedSockets.descriptors { ProcessInfo.processInfo.environment[$0] }

    /// The listeners of a source: its own, or the daemon's.
    func listeners(of source: HTTPSource) -> [HTTPListener] {
        if let path = source.socketPath { return [.unixSocket(path: path)] }
        guard source.port != nil || source.host != nil || source.tls != nil else { return listeners }
        return [.tcp(host: source.host ?? host, port: source.port ?? port, tls: source.tls ?? tls)]
    }
}
