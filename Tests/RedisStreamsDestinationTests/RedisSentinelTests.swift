import Collector
import CollectorTesting
import Glibc
import Testing

@testable import RedisStreamsDestination

@Suite("Redis Sentinel", .timeLimit(.minutes(3)), .serialized)
struct RedisSentinelTests {
    /// A primary, two replicas of it, and Sentinels that watch all.
    private struct Group: Sendable {
        let primary: RedisServer
        let replicas: [RedisServer]
        let sentinels: [RedisServer]

        init(sentinelLines: [String] = []) throws {
            primary = try RedisServer(["--repl-diskless-sync-delay", "0"], listensOnTCP: true)
            replicas = try (0..<2).map { _ in
                try RedisServer(["--repl-diskless-sync-delay", "0"], listensOnTCP: true)
            }
            for replica in replicas {
                let probe = try replica.probe()
                _ = try probe.command("REPLICAOF", "127.0.0.1", "\(primary.port ?? 0)")
                while try probe.command("INFO", "replication").text?.contains("master_link_status:up") != true {
                    usleep(10_000)
                }
            }
            let primary = primary
            sentinels = try (0..<3).map { _ in
                try RedisServer(sentinelFor: primary, name: "events", quorum: 2, sentinelLines)
            }
            // Until they know the replicas and each other, they elect nobody.
            for sentinel in sentinels {
                let probe = try sentinel.probe()
                if !sentinelLines.isEmpty { _ = try probe.command("AUTH", "sentinel-secret") }
                while try probe.command("SENTINEL", "replicas", "events").elements.count != 2 { usleep(10_000) }
                while try probe.command("SENTINEL", "sentinels", "events").elements.count != 2 { usleep(10_000) }
            }
        }

        var settings: RedisStreamsSettings {
            var settings = RedisStreamsSettings(streamKey: "walkeros:events")
            settings.configuration.sentinel = RedisSentinel(
                primaryName: "events",
                endpoints: sentinels.map { .tcp(host: "127.0.0.1", port: $0.port ?? 0) }
            )
            settings.configuration.commandTimeout = .seconds(2)
            settings.configuration.connectTimeout = .seconds(1)
            return settings
        }
    }

    @Test("the primary is found, with one of the Sentinels down and one that hangs")
    func finds() async throws {
        let group = try await BlockingWork.run { try Group() }
        group.sentinels[0].kill()
        group.sentinels[1].freeze()
        let destination = try await start(group.settings)
        try await EventPump(destination: destination).run(100)
        #expect(try StreamAudit([group.primary]).lost(of: 100) == 0)
        await destination.end()
        group.sentinels[1].resume()
    }

    @Test("a name that no Sentinel knows is told")
    func unknownName() async throws {
        let group = try await BlockingWork.run { try Group() }
        var settings = group.settings
        settings.configuration.sentinel?.primaryName = "orders"
        settings.configuration.commandTimeout = .seconds(3)
        let destination = try await start(settings)
        let outcome = await destination.deliver(DeliveryBatch([Delivery(event: makeEvent(number: 1))]))[0]
        #expect(outcome.retryReason?.contains("redis.options.name") == true, "\(outcome)")
        await destination.end()
    }

    @Test("Sentinels with a password")
    func passwords() async throws {
        let group = try await BlockingWork.run {
            try Group(sentinelLines: ["requirepass sentinel-secret", "sentinel sentinel-pass sentinel-secret"])
        }
        var settings = group.settings
        settings.configuration.sentinel?.password = "sentinel-secret"
        let destination = try await start(settings)
        try await EventPump(destination: destination).run(10)
        await destination.end()
    }

    @Test(
        "a failover is followed, whether the primary is killed or hangs; with WAIT, nothing is lost",
        arguments: [(false, false), (true, false), (false, true), (true, true)]
    )
    func failover(_ hangs: Bool, _ single: Bool) async throws {
        let group = try await BlockingWork.run { try Group() }
        var settings = group.settings
        settings.isSingleWriter = single
        settings.replicaConfirmation = RedisReplicaConfirmation(replicaCount: 1, timeout: .milliseconds(500))
        let destination = try await start(settings)
        let count = 2_000
        var failedAt: ContinuousClock.Instant?
        var recoveredIn: Duration?
        try await EventPump(destination: destination).run(count) { delivered in
            if let failedAt {
                recoveredIn = recoveredIn ?? .now - failedAt
            } else if delivered >= 1_000 {
                failedAt = .now
                if hangs { group.primary.freeze() } else { group.primary.kill() }
            }
        }
        let promoted = try #require(
            try group.replicas.first { try $0.probe().command("ROLE").elements.first?.text == "master" }
        )
        let audit = try StreamAudit([promoted])
        #expect(audit.lost(of: count) == 0)
        // Without replicas' word for them, events are sent again: that is asked for, and makes copies.
        if single { #expect(audit.duplicates == 0) }
        #expect(try #require(recoveredIn) < .seconds(20))
        await destination.end()
        group.primary.resume()
    }
}
