import Collector
import CollectorTesting
import Logging
import RedisStreamsDestination

/// Measures what TLS and a cluster cost, beside plain TCP to one server.
struct RedisTopologyBenchmark {
    private let roundCount = 5
    private let commandCount = 200_000
    private let windowCount = 64

    func run() async throws {
        let certificates = try TestCertificates()
        let tlsArguments = certificates.serverArguments(try certificates.issue("localhost"))
        let plain = try RedisServer(["--appendonly", "no"], listensOnTCP: true)
        let secure = try RedisServer(["--appendonly", "no"] + tlsArguments, listensOnTCP: true, speaksTLS: true)
        let cluster = try RedisTestCluster(primaryCount: 3, ["--appendonly", "no"])
        let batch = DeliveryBatch(try await RedisEntry.deliveries(256))

        let one = try await start(settings(plain))
        var tlsSettings = settings(secure)
        tlsSettings.configuration.tls = RedisTLS()
        tlsSettings.configuration.tls?.authorities = .file(certificates.authority.certificate)
        let encrypted = try await start(tlsSettings)
        // The same streams on one server, so that only the number of servers differs.
        let partitioned = try await start(partitioned(settings(plain)))
        var clusterSettings = self.partitioned(settings(cluster.primaries[0]))
        clusterSettings.clusterNodes = []
        let spread = try await start(clusterSettings)
        var plainSamples = Samples(), tlsSamples = Samples(), oneSamples = Samples(), spreadSamples = Samples()
        for round in 0...roundCount {
            let figures = try [one, encrypted, partitioned, spread].map { destination in
                try DeliveryThroughput(destination: destination, eventCount: commandCount)
                    .measure(batch, window: windowCount)
            }
            // The first round warms up.
            if round == 0 { continue }
            plainSamples.add(figures[0])
            tlsSamples.add(figures[1])
            oneSamples.add(figures[2])
            spreadSamples.add(figures[3])
        }
        print("## XADD of 600 bytes over TCP: TLS against plain, a cluster of three against one server\n")
        var table = Table("connection", "commands/s", "± %", "ratio")
        func add(_ name: String, _ samples: Samples, to base: Samples) {
            let ratio = (samples.median / base.median).text(decimals: 2)
            table.add(name, samples.median.text(), (samples.spreadPercent / 2).text(), ratio)
        }
        add("plain TCP, one stream", plainSamples, to: plainSamples)
        add("TLS, one stream", tlsSamples, to: plainSamples)
        add("one server, 12 partitions", oneSamples, to: oneSamples)
        add("cluster of three, 12 partitions", spreadSamples, to: oneSamples)
        table.show()
        for destination in [one, encrypted, partitioned, spread] { try await destination.destroy(Self.context) }
        for server in [plain, secure] + cluster.primaries { server.kill() }
    }

    private static var context: DestinationContext {
        DestinationContext(id: "redis", logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func start(_ settings: RedisStreamsSettings) async throws -> RedisStreamsDestination {
        let destination = RedisStreamsDestination(settings: settings)
        _ = try await destination.initialize(Self.context)
        return destination
    }

    private func settings(_ server: RedisServer) -> RedisStreamsSettings {
        var settings = RedisStreamsSettings(streamKey: "bench:collectord")
        settings.maximumLength = 1000
        settings.configuration.endpoint = .tcp(host: "localhost", port: server.port ?? 0)
        return settings
    }

    private func partitioned(_ settings: RedisStreamsSettings) -> RedisStreamsSettings {
        var settings = settings
        settings.partitioning = RedisPartitioning(count: 12, key: "id")
        return settings
    }
}
