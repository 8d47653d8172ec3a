import Collector
import CollectorTesting
import EventJSON
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis Cluster", .timeLimit(.minutes(5)), .serialized)
struct RedisClusterTests {
    private static let partitionCount = 12

    private func settings(_ cluster: RedisTestCluster, single: Bool = false) throws -> RedisStreamsSettings {
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.endpoint = .tcp(host: "127.0.0.1", port: try #require(cluster.primaries[0].port))
        settings.configuration.commandTimeout = .seconds(2)
        settings.clusterNodes = try cluster.primaries.dropFirst().map {
            .tcp(host: "127.0.0.1", port: try #require($0.port))
        }
        settings.partitioning = RedisPartitioning(count: Self.partitionCount, key: "data.n")
        settings.isSingleWriter = single
        return settings
    }

    private func audit(_ servers: [RedisServer]) throws -> StreamAudit {
        let primaries = try servers.filter { try $0.probe().command("ROLE").elements.first?.text == "master" }
        return try StreamAudit(primaries, keys: partitionKeys(Self.partitionCount))
    }

    @Test("the cluster computes the same slots")
    func slots() throws {
        let server = try RedisServer(["--cluster-enabled", "yes"], listensOnTCP: true)
        let probe = try server.probe()
        for key in [
            "", "a", "foo{}{bar}", "foo{{bar}}zap", "{a}b", "walkeros:events:7", "caf\u{E9}", "}{", "{}", "x{y",
        ] {
            #expect(try probe.command("CLUSTER", "KEYSLOT", key) == .integer(RedisHashSlot.slot(of: key)), "\(key)")
        }
    }

    @Test("every event arrives at the node of its slot, over one client per node, trimmed as asked")
    func spreads() async throws {
        let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 3) }
        var settings = try settings(cluster)
        settings.maximumLength = 20
        settings.trimsExactly = true
        let destination = try await start(settings)
        let result = try await EventPump(destination: destination).run(3_000)
        #expect(result.retryCount == 0, "\(result.reasons)")
        var keyCount: Int64 = 0
        for node in cluster.primaries {
            let probe = try node.probe()
            guard case .integer(let count) = try probe.command("DBSIZE") else { continue }
            #expect(count > 0)
            keyCount += Int64(count)
            let own = try probe.command("CLIENT", "LIST").text?.split(separator: "\n").count {
                $0.contains(" name=collectord ")
            }
            #expect(own == 1)
            for key in partitionKeys(Self.partitionCount) {
                if case .integer(let length) = try probe.command("XLEN", key) { #expect(length == 0 || length == 20) }
            }
        }
        #expect(keyCount == Int64(Self.partitionCount))
        await destination.end()
    }

    @Test("ASK is followed without a change of the map, MOVED with one; nothing is lost")
    func redirections() async throws {
        let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 3) }
        let destination = try await start(try settings(cluster))
        try await EventPump(destination: destination).run(300)
        let key = "walkeros:events:0"
        let slot = RedisHashSlot.slot(of: key)
        let source = try #require(cluster.primaries.first { try $0.probe().command("EXISTS", key) == .integer(1) })
        let target = try #require(cluster.primaries.first { $0 !== source })
        let (from, to) = (try RedisTestCluster.identifier(of: source), try RedisTestCluster.identifier(of: target))
        _ = try target.probe().command("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", from)
        _ = try source.probe().command("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", to)
        let port = try #require(target.port)
        #expect(try source.probe().command("MIGRATE", "127.0.0.1", "\(port)", key, "0", "5000") == .status("OK"))
        // The key is gone from the source, which says ASK.
        let entries = try StreamAudit([source, target], keys: partitionKeys(Self.partitionCount)).order.count
        let asked = try await EventPump(destination: destination).run(300)
        #expect(asked.retryCount == 0, "\(asked.reasons)")
        let probe = try target.probe()
        _ = try probe.command("ASKING")
        guard case .integer(let length) = try probe.command("XLEN", key) else {
            Issue.record("no length")
            return
        }
        #expect(length > 0)
        #expect(entries > 0)
        try cluster.assign(slot: slot, to: target)
        let moved = try await EventPump(destination: destination).run(300)
        #expect(moved.retryCount == 0, "\(moved.reasons)")
        let audit = try audit(cluster.primaries)
        #expect(audit.lost(of: 300) == 0)
        #expect(audit.duplicates == 600)
        await destination.end()
    }

    @Test("a node that is killed and comes back loses nothing", arguments: [false, true])
    func killedNode(_ single: Bool) async throws {
        let cluster = try await BlockingWork.run {
            try RedisTestCluster(primaryCount: 3, ["--appendonly", "yes", "--appendfsync", "always"])
        }
        let destination = try await start(try settings(cluster, single: single))
        let count = 6_000
        var isKilled = false
        try await EventPump(destination: destination).run(count) { delivered in
            guard delivered > 2_000, !isKilled else { return }
            isKilled = true
            cluster.primaries[1].kill()
            try cluster.primaries[1].start()
        }
        let audit = try audit(cluster.primaries)
        #expect(audit.lost(of: count) == 0)
        #expect(audit.duplicates <= (single ? 0 : 256))
        await destination.end()
    }

    @Test("a replica takes over: its streams are written there")
    func failover() async throws {
        let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 3, withReplicas: true) }
        var settings = try settings(cluster)
        settings.replicaConfirmation = RedisReplicaConfirmation(replicaCount: 1, timeout: .milliseconds(500))
        let destination = try await start(settings)
        let count = 3_000
        var isKilled = false
        try await EventPump(destination: destination).run(count) { delivered in
            guard delivered > 1_000, !isKilled else { return }
            isKilled = true
            cluster.primaries[0].kill()
            // With nobody to confirm, the survivor must not insist; it takes what it gets once it is promoted.
            _ = try cluster.replicas[0].probe().command("CLUSTER", "FAILOVER", "TAKEOVER")
            try cluster.primaries[0].start()
        }
        let audit = try audit(cluster.primaries + cluster.replicas)
        #expect(audit.lost(of: count) == 0)
        #expect(try cluster.replicas[0].probe().command("ROLE").elements.first?.text == "master")
        await destination.end()
    }

    @Test("a cluster of which no node answers is a retry, and found when it comes up")
    func startsDown() async throws {
        let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 2) }
        for node in cluster.primaries { node.kill() }
        let destination = try await start(try settings(cluster))
        let batch = DeliveryBatch([Delivery(event: makeEvent(number: 1))])
        #expect(await destination.deliver(batch)[0].retryReason != nil)
        for node in cluster.primaries { try node.start() }
        while await destination.deliver(batch)[0].entryID == nil {}
        await destination.end()
    }
}
