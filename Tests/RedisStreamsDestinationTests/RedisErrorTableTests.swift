import Collector
import CollectorTesting
import Glibc
import Logging
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Every error that Redis answers", .timeLimit(.minutes(3)))
struct RedisErrorTableTests {
    private func makeDestination(
        _ server: RedisServer,
        _ change: (inout RedisStreamsSettings) -> Void = { _ in }
    ) async throws -> RedisStreamsDestination {
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.endpoint = .unix(path: server.socketPath)
        settings.configuration.commandTimeout = .seconds(20)
        change(&settings)
        return try await start(settings)
    }

    private func deliver(_ destination: RedisStreamsDestination) async -> DeliveryOutcome {
        await destination.deliver(DeliveryBatch([Delivery(event: makeEvent(number: 1))]))[0]
    }

    /// Tries until it is delivered.
    private func deliverAfterAll(_ destination: RedisStreamsDestination) async {
        while await deliver(destination).entryID == nil {}
    }

    // MARK: A server that says what it is told to say

    private static let rows = RedisErrorClassification.table

    @Test("is a retry or a rejection, and closes the connection or not, as the table says", arguments: rows.indices)
    func scripted(_ index: Int) async throws {
        let row = Self.rows[index]
        let text = "\(row.code) \(row.phrase ?? "for a reason")"
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand() {
                connection.send(command[0] == "XADD" && connection.number == 0 ? "-\(text)\r\n" : "$3\r\n1-0\r\n")
            }
        }
        var settings = RedisStreamsSettings(streamKey: "s")
        settings.configuration.endpoint = .unix(path: server.socketPath)
        let destination = try await start(settings)
        switch (await deliver(destination), row.classification.meaning) {
        case (.retry(let delay, let reason), .transient), (.retry(let delay, let reason), .configuration),
            (.retry(let delay, let reason), .ask), (.retry(let delay, let reason), .moved):
            #expect(reason.hasPrefix(text))
            #expect(delay == row.classification.delay)
        case (.rejected(let reason), .permanent): #expect(reason == text)
        case (let outcome, let meaning): Issue.record("\(outcome) for \(meaning)")
        }
        if row.classification.needsNewConnection {
            #expect(await deliver(destination).entryID == "1-0")
        } else {
            #expect(await deliver(destination).entryID == nil)
        }
        #expect(server.connectionCount == (row.classification.needsNewConnection ? 2 : 1))
        await destination.end()
    }

    @Test("commands behind a READONLY are answered by the next connection, in order")
    func readonlyKeepsOthers() async throws {
        let received = Mutex<[String]>([])
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            if connection.number == 0 {
                _ = connection.readCommand()
                connection.send("-READONLY You can't write against a read only replica.\r\n")
                return connection.waitForClose()
            }
            while let command = connection.readCommand() {
                received.withLock { $0.append(command.last ?? "") }
                connection.send("+OK\r\n")
            }
        }
        let client = try makeClient(server.socketPath)
        let batches = try (0..<5).map { try client.begin([["SET", "k", "\($0)"]]) }
        #expect(await batches[0].value[0] == .error("READONLY You can't write against a read only replica."))
        for batch in batches.dropFirst() { #expect(await batch.value[0] == .status("OK")) }
        #expect(received.withLock { $0 } == ["1", "2", "3", "4"])
        try await client.quit()
    }

    // MARK: Real servers

    @Test("LOADING: waits, without a storm of connections")
    func loading() async throws {
        let server = try RedisServer(["--key-load-delay", "600", "--loading-process-events-interval-bytes", "1024"])
        try await BlockingWork.run {
            let script = "for i = 1, 5000 do redis.call('SET', 'k' .. i, string.rep('x', 100)) end"
            _ = try server.probe().command("EVAL", script, "0")
            _ = try server.probe().command("SAVE")
            server.kill()
            try server.start(loads: true)
            #expect(try server.probe().command("GET", "k1").text?.hasPrefix("LOADING") == true)
        }
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).entryID != nil)
        let stats = try server.probe().command("INFO", "stats").text ?? ""
        let line = stats.split(separator: "\r\n").first { $0.hasPrefix("total_connections_received:") } ?? ""
        #expect(try #require(Int(line.drop { $0 != ":" }.dropFirst())) < 20)
        await destination.end()
    }

    @Test("BUSY: a retry, delivered when the script is gone")
    func busy() async throws {
        let server = try RedisServer(["--busy-reply-threshold", "50"])
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).entryID != nil)
        let script = try server.probe()
        try script.begin("EVAL", "while true do end", "0")
        var outcome = await deliver(destination)
        while outcome.entryID != nil { outcome = await deliver(destination) }
        #expect(outcome.retryReason?.hasPrefix("BUSY") == true)
        #expect(try server.probe().command("SCRIPT", "KILL") == .status("OK"))
        await deliverAfterAll(destination)
        await destination.end()
    }

    @Test("MISCONF: a retry, delivered when snapshots succeed again")
    func misconfigured() async throws {
        let server = try RedisServer(["--save", "3600 1"])
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).entryID != nil)
        // The snapshot's name is taken by a folder: it cannot be renamed into place.
        let path = server.directoryPath + "/dump.rdb"
        #expect(mkdir(path, 0o700) == 0)
        let probe = try server.probe()
        _ = try probe.command("BGSAVE")
        while try probe.command("INFO", "persistence").text?.contains("rdb_last_bgsave_status:err") != true {}
        let refused = await deliver(destination)
        #expect(refused.retryReason?.hasPrefix("MISCONF") == true, "\(refused)")
        rmdir(path)
        _ = try probe.command("BGSAVE")
        while try probe.command("INFO", "persistence").text?.contains("rdb_last_bgsave_status:ok") != true {}
        #expect(await deliver(destination).entryID != nil)
        await destination.end()
    }

    @Test("NOREPLICAS and OOM: retries, delivered when there is room")
    func refusals() async throws {
        let server = try RedisServer()
        let destination = try await makeDestination(server)
        let probe = try server.probe()
        let cases = [("min-replicas-to-write", "1", "0", "NOREPLICAS"), ("maxmemory", "1", "0", "OOM")]
        for (name, bad, good, code) in cases {
            _ = try probe.command("CONFIG", "SET", name, bad)
            #expect(await deliver(destination).retryReason?.hasPrefix(code) == true)
            _ = try probe.command("CONFIG", "SET", name, good)
            #expect(await deliver(destination).entryID != nil)
        }
        await destination.end()
    }

    @Test("READONLY: another connection, and delivered within 5 s of the promotion")
    func readonly() async throws {
        let server = try RedisServer()
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).entryID != nil)
        let probe = try server.probe()
        let before = try probe.clientID(named: "collectord")
        _ = try probe.command("REPLICAOF", "127.0.0.1", "1")
        #expect(await deliver(destination).retryReason?.hasPrefix("READONLY") == true)
        for _ in 0..<5 { _ = await deliver(destination) }
        _ = try probe.command("REPLICAOF", "NO", "ONE")
        let promoted = ContinuousClock.now
        await deliverAfterAll(destination)
        #expect(ContinuousClock.now - promoted < .seconds(5))
        #expect(try probe.clientID(named: "collectord") != before)
        await destination.end()
    }

    @Test("MASTERDOWN: a retry, delivered after the promotion")
    func masterDown() async throws {
        let server = try RedisServer(["--replica-read-only", "no", "--replica-serve-stale-data", "no"])
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).entryID != nil)
        let probe = try server.probe()
        _ = try probe.command("REPLICAOF", "127.0.0.1", "1")
        #expect(await deliver(destination).retryReason?.hasPrefix("MASTERDOWN") == true)
        _ = try probe.command("REPLICAOF", "NO", "ONE")
        await deliverAfterAll(destination)
        await destination.end()
    }

    @Test("NOAUTH and WRONGPASS: told at once, delivered when the server takes the password")
    func authentication() async throws {
        let server = try RedisServer(["--requirepass", "hunter2"])
        for password in [nil, "wrong"] {
            let destination = try await makeDestination(server) {
                $0.configuration.password = password.map { RedisSecret($0) }
            }
            guard case .retry(after: .seconds(5), let reason) = await deliver(destination) else {
                Issue.record("no slow retry")
                continue
            }
            #expect(reason.contains("password"))
            let probe = try server.probe()
            _ = try probe.command("AUTH", "hunter2")
            _ = try probe.command("CONFIG", "SET", "requirepass", password ?? "")
            await deliverAfterAll(destination)
            _ = try probe.command("CONFIG", "SET", "requirepass", "hunter2")
            await destination.end()
        }
    }

    @Test("ACL: a user with just the rights that are needed; NOPERM without them")
    func permissions() async throws {
        let server = try RedisServer()
        let probe = try server.probe()
        _ = try probe.command("ACL", "SETUSER", "alice", "on", ">secret", "resetkeys", "~walkeros:*", "-@all", "+xadd")
        let destination = try await makeDestination(server) {
            $0.configuration.username = "alice"
            $0.configuration.password = "secret"
        }
        #expect(await deliver(destination).entryID != nil)
        _ = try probe.command("ACL", "SETUSER", "alice", "resetkeys", "~other:*")
        guard case .retry(after: .seconds(5), let reason) = await deliver(destination) else {
            Issue.record("no slow retry")
            return
        }
        #expect(reason.hasPrefix("NOPERM"))
        _ = try probe.command("ACL", "SETUSER", "alice", "~walkeros:*")
        #expect(await deliver(destination).entryID != nil)
        await destination.end()
    }

    @Test("max clients: waits for a place")
    func maxClients() async throws {
        let server = try RedisServer(["--maxclients", "2"])
        // The connection that found out whether the server is up may still count.
        var probes: [RESPProbe] = []
        while probes.count < 2 {
            if let probe = try? server.probe(), (try? probe.command("PING")) == .status("PONG") { probes.append(probe) }
        }
        let destination = try await makeDestination(server) { $0.configuration.commandTimeout = .milliseconds(500) }
        let reason = await deliver(destination).retryReason
        #expect(reason?.contains("max number of clients") == true, "\(reason ?? "")")
        probes.removeAll()
        await deliverAfterAll(destination)
        await destination.end()
    }

    @Test("CLUSTERDOWN: a retry; MOVED without redis.cluster: a slow retry that names the setting")
    func clusterErrors() async throws {
        let server = try RedisServer(["--cluster-enabled", "yes"], listensOnTCP: true)
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).retryReason?.hasPrefix("CLUSTERDOWN") == true)
        _ = try server.probe().command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        await deliverAfterAll(destination)
        await destination.end()

        let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 2) }
        let slot = RedisHashSlot.slot(of: "walkeros:events")
        let other = cluster.primaries[slot < 8_192 ? 1 : 0]
        let plain = try await makeDestination(other)
        guard case .retry(after: .seconds(5), let reason) = await deliver(plain) else {
            Issue.record("no slow retry")
            return
        }
        #expect(reason.hasPrefix("MOVED \(slot) "))
        #expect(reason.contains("redis.cluster"))
        await plain.end()
    }

    @Test("WRONGTYPE: a rejection")
    func wrongType() async throws {
        let server = try RedisServer()
        _ = try server.probe().command("SET", "walkeros:events", "text")
        let destination = try await makeDestination(server)
        #expect(await deliver(destination).rejectedReason?.hasPrefix("WRONGTYPE") == true)
        await destination.end()
    }

    // MARK: The eviction policy

    @Test(
        "a policy that drops streams is told at connect, once",
        arguments: [("allkeys-lru", 1), ("allkeys-random", 1), ("volatile-ttl", 1), ("noeviction", 0)]
    )
    func evictionPolicy(_ policy: String, _ warningCount: Int) async throws {
        let server = try RedisServer(["--maxmemory-policy", policy])
        let logs = RecordedLogs()
        let client = try makeClient(server, logger: logs.logger())
        #expect(try await client.command(["PING"]) == .status("PONG"))
        _ = try server.probe().command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(try await client.command(["PING"]) == .status("PONG"))
        let warnings = logs.entries.filter { $0.metadata["maxmemory-policy"] == "\(policy)" }
        #expect(warnings.count == warningCount)
        #expect(warnings.allSatisfy { $0.level == .warning && $0.message.contains("noeviction") })
        try await client.quit()
    }
}
