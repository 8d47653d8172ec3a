import ArgumentParser
import CollectorConfiguration
import HTTPServer
import Logging

/// `collectord run`: takes events until it is told to stop.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Take events until SIGTERM or SIGINT, which let what is under way be delivered.",
        discussion: "Without a file, events are taken at /collect and printed on standard output."
    )

    @Argument(help: "The flow file.", completion: .file(extensions: ["json"]))
    var file: String?

    @Option(help: "The flow, if the file has several.")
    var flow: String?

    @Option(help: "The port to listen on; 0 lets the system choose.")
    var port: Int = 8080

    @Option(help: "The address to listen on.")
    var host: String = "0.0.0.0"

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

    @OptionGroup var logging: LogOptions

    func validate() throws {
        guard 0...65_535 ~= port else { throw ValidationError("--port is a number from 0 to 65535") }
        guard (certificatePath == nil) == (keyPath == nil), certificatePath != nil || clientAuthoritiesPath == nil
        else {
            throw ValidationError(
                "--tls-certificate and --tls-key go together, with --tls-client-authorities or without"
            )
        }
    }

    func run() async throws {
        let flow = try FlowLoading.flow(file: file, named: flow)
        logging.bootstrap(flowLevel: flow.logLevel)
        try await Daemon(flow: flow, isDefault: file == nil, host: host, port: port, tls: tls).run()
    }

    private var tls: HTTPServerTLS? {
        guard let certificatePath, let keyPath else { return nil }
        return HTTPServerTLS(
            certificatePath: certificatePath,
            keyPath: keyPath,
            clientAuthoritiesPath: clientAuthoritiesPath
        )
    }
}
