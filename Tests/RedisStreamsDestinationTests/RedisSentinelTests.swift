import Collector
import CollectorTesting
import Testing

@testable import RedisStreamsDestination

@Suite("Redis Sentinel", .timeLimit(.minutes(3)), .serialized)
struct RedisSentinelTests {
    /// A primary, a replica of it, and Sentinels that watch both.
    private struct Group {
        let primary: RedisServer
        let replica: RedisServer
        let sentinels: [RedisServer]

        init(sentinelLines: [String] = []) throws {
            primary = try RedisServer(["--repl-diskless-sync-delay", "0"], listensOnTCP: true)
            replica = try RedisServer(["--repl-diskless-sync-delay", "0"], listensOnTCP: true)
            _ = try replica.probe().command("REPLICAOF", "127.0.0.1", "\(primary.port ?? 0)")
            while try replica.probe().command("INFO", "replication").text?.contains("master_link_status:up") != true {}
            let primary = primary
            sentinels = try (0..<3).map { _ in
                try RedisServer(sentinelFor: primary, name: "events", quorum: 2, sentinelLines)
            }
            // Until they know the replica and each other, they elect nobody.
            for sentinel in sentinels {
                let probe = try sentinel.probe()
                if !sentinelLines.isEmpty { _ = try probe.command("AUTH", "sentinel-secret") }
                while try probe.command("SENTINEL", "replicas", "events").elements.count != 1 {}
                while try probe.command("SENTINEL", "sentinels", "events").elements.count != 2 {}
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
        let group = try Group()
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
        let group = try Group()
        var settings = group.settings
        settings.configuration.sentinel?.primaryName = "orders"
        settings.configuration.commandTimeout = .milliseconds(500)
        let destination = try await start(settings)
        let outcome = await destination.deliver(DeliveryBatch([Delivery(event: makeEvent(number: 1))]))[0]
        #expect(outcome.retryReason?.contains("redis.options.name") == true, "\(outcome)")
        await destination.end()
    }

    @Test("Sentinels with a password")
    func passwords() async throws {
        let group = try Group(sentinelLines: ["requirepass sentinel-secret", "sentinel sentinel-pass sentinel-secret"])
        var settings = group.settings
        settings.configuration.sentinel?.password = "sentinel-secret"
        let destination = try await start(settings)
        try await EventPump(destination: destination).run(10)
        await destination.end()
    }

    @Test(
        "a failover is followed, whether the primary is killed or hangs: what replicas confirmed is not lost",
        arguments: [(false, false), (true, false), (false, true)]
    )
    func failover(_ hangs: Bool, _ single: Bool) async throws {
        let group = try Group()
        var settings = group.settings
        settings.isSingleWriter = single
        let destination = try await start(settings)
        let count = 2_000
        var failedAt: ContinuousClock.Instant?
        var recoveredIn: Duration?
        var deliveredBefore = 0
        let result = try await EventPump(destination: destination).run(count) { delivered in
            if let failedAt {
                if recoveredIn == nil, delivered > deliveredBefore { recoveredIn = .now - failedAt }
                return
            }
            guard delivered >= 1_000 else { return }
            // Replication is asynchronous: the replica shall have what was delivered, this test is not about loss.
            let wanted = try group.primary.probe().command("XLEN", "walkeros:events")
            while try group.replica.probe().command("XLEN", "walkeros:events") != wanted {}
            deliveredBefore = delivered
            failedAt = .now
            if hangs { group.primary.freeze() } else { group.primary.kill() }
        }
        let audit = try StreamAudit([group.replica])
        // What the primary took after the copy was compared went with it.
        #expect(audit.lost(of: count) <= 256 + 50 * 16)
        #expect(try group.replica.probe().command("ROLE").elements.first?.text == "master")
        #expect(result.retryCount < count)
        if single { #expect(audit.duplicates == 0) }
        await destination.end()
        group.primary.resume()
    }
}
