import Collector
import CollectorTesting
import Glibc
import Testing

@testable import RedisStreamsDestination

/// Cluster and Sentinel where every connection is TLS.
@Suite("Redis Cluster and Sentinel over TLS", .timeLimit(.minutes(3)), .serialized)
struct RedisTLSTopologyTests {
    private let certificates: TestCertificates

    init() throws {
        certificates = try TestCertificates()
    }

    private func tls(serverName: String? = nil) -> RedisTLS {
        var tls = RedisTLS()
        tls.authorities = .file(certificates.authority.certificate)
        tls.serverName = serverName
        return tls
    }

    private func cluster(announcing host: String? = nil) async throws -> RedisTestCluster {
        let announcement =
            host.map { ["--cluster-announce-hostname", $0, "--cluster-preferred-endpoint-type", "hostname"] } ?? []
        let arguments = certificates.serverArguments(try certificates.issue("localhost")) + announcement
        return try await BlockingWork.run {
            try RedisTestCluster(primaryCount: 3, speaksTLS: true, arguments)
        }
    }

    private func settings(_ cluster: RedisTestCluster, _ tls: RedisTLS) throws -> RedisStreamsSettings {
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.endpoint = .tcp(host: "localhost", port: try #require(cluster.primaries[0].port))
        settings.configuration.tls = tls
        settings.configuration.commandTimeout = .seconds(5)
        settings.clusterNodes = []
        settings.partitioning = RedisPartitioning(count: 12, key: "data.n")
        return settings
    }

    @Test("a cluster that announces the name in its certificate; a slot has moved meanwhile")
    func announced() async throws {
        let cluster = try await cluster(announcing: "localhost")
        let destination = try await start(try settings(cluster, tls()))
        try await EventPump(destination: destination).run(1)
        // A stream that is not there yet: its slot can move.
        let used = try cluster.primaries.flatMap { try $0.probe().command("KEYS", "*").elements.compactMap(\.text) }
        let key = try #require(partitionKeys(12).first { !used.contains($0) })
        let slot = RedisHashSlot.slot(of: key)
        let owner = Int(slot) * 3 / 16_384
        let target = cluster.primaries[(owner + 1) % 3]
        try cluster.assign(slot: Int(slot), to: target)
        try await EventPump(destination: destination).run(2_000)
        #expect(try StreamAudit(cluster.primaries, keys: partitionKeys(12)).lost(of: 2_000) == 0)
        #expect(try target.probe().command("EXISTS", key) == .integer(1))
        for node in cluster.primaries {
            #expect(try node.probe().command("CLIENT", "LIST").text?.contains("name=collectord") == true)
        }
        await destination.end()
    }

    @Test("a cluster that announces addresses: the name to look for is given, else it is refused")
    func addresses() async throws {
        let cluster = try await cluster()
        let destination = try await start(try settings(cluster, tls(serverName: "localhost")))
        try await EventPump(destination: destination).run(500)
        #expect(try StreamAudit(cluster.primaries, keys: partitionKeys(12)).lost(of: 500) == 0)
        await destination.end()
        let stranger = try await start(try settings(cluster, tls()))
        let events = (0..<12).map { Delivery(event: makeEvent(number: $0)) }
        let reasons = await stranger.deliver(DeliveryBatch(events)).compactMap(\.retryReason)
        #expect(reasons.contains { $0.contains("not for 127.0.0.1") }, "\(reasons)")
        await stranger.end()
    }

    @Test("Sentinels and servers speak TLS; the failover is followed")
    func sentinel() async throws {
        let identity = try certificates.issue("localhost")
        let authority = certificates.authority.certificate
        let arguments = certificates.serverArguments(identity) + ["--repl-diskless-sync-delay", "0"]
        let (primary, replica, sentinels) = try await BlockingWork.run {
            let primary = try RedisServer(arguments, listensOnTCP: true, speaksTLS: true)
            let replica = try RedisServer(arguments, listensOnTCP: true, speaksTLS: true)
            let probe = try replica.probe()
            _ = try probe.command("REPLICAOF", "127.0.0.1", "\(primary.port ?? 0)")
            while try probe.command("INFO", "replication").text?.contains("master_link_status:up") != true {
                usleep(10_000)
            }
            let lines = [
                "tls-cert-file \(identity.certificate)", "tls-key-file \(identity.key)",
                "tls-ca-cert-file \(authority)",
                "tls-auth-clients no", "tls-replication yes",
            ]
            let sentinels = try (0..<3).map { _ in
                try RedisServer(sentinelFor: primary, name: "events", quorum: 2, speaksTLS: true, lines)
            }
            for sentinel in sentinels {
                let probe = try sentinel.probe()
                while try probe.command("SENTINEL", "replicas", "events").elements.count != 1 { usleep(10_000) }
                while try probe.command("SENTINEL", "sentinels", "events").elements.count != 2 { usleep(10_000) }
            }
            return (primary, replica, sentinels)
        }
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.tls = tls(serverName: "localhost")
        settings.configuration.sentinel = RedisSentinel(
            primaryName: "events",
            endpoints: sentinels.map { .tcp(host: "127.0.0.1", port: $0.port ?? 0) }
        )
        settings.configuration.sentinel?.tls = tls(serverName: "localhost")
        settings.configuration.commandTimeout = .seconds(2)
        settings.configuration.connectTimeout = .seconds(1)
        settings.replicaConfirmation = RedisReplicaConfirmation(replicaCount: 1, timeout: .milliseconds(500))
        let destination = try await start(settings)
        try await EventPump(destination: destination).run(500)
        primary.kill()
        // The promoted replica has no replica of its own: no one is left to confirm.
        await destination.end()
        settings.replicaConfirmation = nil
        let next = try await start(settings)
        try await EventPump(destination: next).run(1_000)
        #expect(try StreamAudit([replica]).lost(of: 1_000) == 0)
        await next.end()
        withExtendedLifetime(sentinels) {}
    }
}
