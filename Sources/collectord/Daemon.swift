import Collector
import CollectorConfiguration
import CollectorHTTP
import Foundation
import HTTPServer
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// A flow at work: its collector behind its ports, until the process is told to stop.
struct Daemon {
    let flow: Flow
    /// Whether no file was given, so that a word of welcome is due.
    let isDefault: Bool
    let host: String
    let port: Int
    /// How TLS is spoken on all ports; nil for plain HTTP.
    let tls: HTTPServerTLS?

    func run() async throws {
        let logger = Logger(label: "collectord")
        let collector = flow.collector()
        await collector.start()
        var servers: [HTTPServer] = []
        for (port, sources) in sourcesByPort(logger) {
            let server = server(port: port, sources: sources, collector: collector)
            try await server.start()
            servers.append(server)
        }
        if isDefault { welcome(servers.first?.boundAddresses.first) }
        // Services end in reverse: the doors close first, then the collector delivers what is under way.
        var group = ServiceGroupConfiguration(
            services: [.init(service: collector)] + servers.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: group).run()
    }

    /// The sources of each port, the daemon's own first, in the flow's order.
    private func sourcesByPort(_ logger: Logger) -> [(port: Int, sources: [HTTPSource])] {
        var problems = ConfigurationProblems()
        var all = flow.sources.filter { !$0.isDisabled }.map { source in
            HTTPSource(
                id: source.id,
                style: source.type.name == "fetch" ? .fetch : .express,
                config: source.config,
                problems: &problems
            )
        }
        if flow.sources.isEmpty {
            logger.warning("the flow has no source; events are taken at /collect")
            all = [HTTPSource(id: "http")]
        }
        var result: [(port: Int, sources: [HTTPSource])] = [(port, all.filter { $0.port == nil || $0.port == port })]
        for source in all {
            guard let own = source.port, own != port else { continue }
            if let place = result.firstIndex(where: { $0.port == own }) {
                result[place].sources.append(source)
            } else {
                result.append((own, [source]))
            }
        }
        return result
    }

    private func server(port: Int, sources: [HTTPSource], collector: Collector) -> HTTPServer {
        var configuration = HTTPServerConfiguration(listeners: [.tcp(host: host, port: port, tls: tls)])
        configuration.limits.maximumBodyByteCount = sources.map(\.maximumBodyByteCount).max() ?? 1 << 20
        return HTTPServer(
            configuration: configuration,
            logger: Logger(label: "http"),
            handler: IngestRoutes.handler(sources: sources, collector: collector) {
                collector.isRunning ? .ready : .notReady(reason: "the collector is not running")
            }
        )
    }

    private func welcome(_ address: SocketAddress?) {
        let port = address?.port ?? port
        let url = "\(tls == nil ? "http" : "https")://localhost:\(port)/collect"
        let text = """
            collectord \(CollectorVersion.current) takes events at \(url) and prints them here. Try:

              curl -d '{"name":"page view","data":{"title":"Hello"}}' -H 'Content-Type: application/json' \(url)

            Then write a flow.json and start: collectord run flow.json

            """
        // Not `print`, whose buffer would keep the text where standard output is a pipe.
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
