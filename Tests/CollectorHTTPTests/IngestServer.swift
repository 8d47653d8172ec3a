import Collector
import CollectorHTTP
import CollectorTesting
import EventJSON
import HTTPServer
import Logging
import NIOCore

/// A collector behind a real port, with a destination that refuses events named "fail push".
struct IngestServer {
    let destination = RecordingDestination { delivery in
        delivery.event.name == "fail push" ? .rejected(reason: "push failed") : .delivered()
    }
    let logs = RecordedLogs()
    let collector: Collector
    let server: HTTPServer
    let port: Int

    init(
        _ source: HTTPSource = HTTPSource(id: "http"),
        mapping: Mapping = .none,
        steps: StepOptions = StepOptions(),
        transformers: [TransformerRegistration] = [],
        destination configuration: DestinationConfiguration = DestinationConfiguration(),
        instead other: (any Destination)? = nil,
        time: CollectorTime = .system
    ) async throws {
        collector = Collector(
            sources: [SourceRegistration(id: source.id, mapping: mapping, steps: steps)],
            destinations: [
                DestinationRegistration(id: "d", destination: other ?? destination, configuration: configuration)
            ],
            transformers: transformers,
            logger: logs.logger(),
            time: time
        )
        await collector.start()
        var settings = HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
        settings.eventLoopCount = 1
        server = HTTPServer(
            configuration: settings,
            logger: logs.logger(),
            handler: IngestRoutes.handler(sources: [source], collector: collector) { .ready }
        )
        try await server.start()
        port = server.boundAddresses.first?.port ?? 0
    }

    func stop() async {
        await server.shutdown()
        await collector.shutdown()
    }
}
