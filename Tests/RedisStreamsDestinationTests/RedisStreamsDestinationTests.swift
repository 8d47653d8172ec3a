import Collector
import CollectorTesting
import EventJSON
import Logging
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis Streams destination", .timeLimit(.minutes(2)))
struct RedisStreamsDestinationTests {
    let server: RedisServer

    init() throws {
        server = try RedisServer()
    }

    private func makeDestination(_ more: JSONObject = [:]) async throws -> RedisStreamsDestination {
        let destination = RedisStreamsDestination()
        _ = try await destination.initialize(makeContext(makeSettings(server.socketPath, more)))
        return destination
    }

    private func batch(_ numbers: Range<Int>, rule: MappingRule? = nil) -> DeliveryBatch {
        DeliveryBatch(numbers.map { Delivery(event: makeEvent(number: $0), rule: rule) })
    }

    @Test("each event becomes an entry, and its outcome names the entry")
    func delivers() async throws {
        let destination = try await makeDestination()
        let outcomes = await destination.deliver(batch(0..<3))
        try await destination.destroy(makeContext(.missing))
        let entries = try server.probe().command("XRANGE", "walkeros:events", "-", "+").elements
        #expect(outcomes.map(\.entryID) == entries.map { $0.elements.first?.text })
        for (number, entry) in entries.enumerated() {
            let fields = try #require(entry.elements.last?.elements)
            #expect(fields.map(\.text) == ["event", String(decoding: makeEvent(number: number).json, as: UTF8.self)])
        }
        #expect(entries.count == 3)
    }

    @Test("flat entries have one field per member")
    func flat() async throws {
        let destination = try await makeDestination(["serialization": "flat"])
        _ = await destination.deliver(batch(7..<8))
        let entry = try server.probe().command("XRANGE", "walkeros:events", "-", "+").elements[0]
        let fields = (entry.elements.last?.elements ?? []).compactMap(\.text)
        #expect(fields.prefix(4) == ["name", "page view", "data", #"{"n":7}"#])
        #expect(fields.count == 30)
        try await destination.destroy(makeContext(.missing))
    }

    @Test("a rule's stream, and trimming")
    func streamsAndTrimming() async throws {
        let destination = try await makeDestination(["maxLen": 10, "exactTrimming": true])
        let rule = try makeRule(["settings": ["streamKey": "other"]])
        _ = await destination.deliver(batch(0..<100))
        _ = await destination.deliver(batch(0..<4, rule: rule))
        let probe = try server.probe()
        #expect(try probe.command("XLEN", "walkeros:events") == .integer(10))
        #expect(try probe.command("XLEN", "other") == .integer(4))
        try await destination.destroy(makeContext(.missing))
    }

    @Test("stream keys that only look alike are different streams")
    func similarStreamKeys() async throws {
        let destination = try await makeDestination()
        let keys = ["caf\u{E9}", "cafe\u{301}", "walkeros:events", ""]
        var deliveries: [Delivery] = []
        for key in keys + keys {
            let rule = try makeRule(["settings": ["streamKey": .string(key)]])
            deliveries.append(Delivery(event: makeEvent(number: 0), rule: rule))
        }
        let outcomes = await destination.deliver(DeliveryBatch(deliveries))
        #expect(outcomes.allSatisfy { $0.entryID != nil })
        let probe = try server.probe()
        for key in keys { #expect(try probe.command("XLEN", key) == .integer(2)) }
        try await destination.destroy(makeContext(.missing))
    }

    @Test("batches begun one after another arrive in that order, whoever waits for them")
    func order() async throws {
        let destination = try await makeDestination()
        let delivered = Atomic(0)
        let done = Promise<Void>()
        for start in stride(from: 0, to: 10_000, by: 100) {
            destination.deliver(batch(start..<start + 100)) { outcomes in
                let count = outcomes.count { $0.entryID != nil }
                if delivered.add(count, ordering: .relaxed).newValue == 10_000 { done.fulfil(()) }
            }
        }
        await done.value
        try await destination.destroy(makeContext(.missing))
        let entries = try server.probe().command("XRANGE", "walkeros:events", "-", "+").elements
        #expect(entries.count == 10_000)
        for (number, entry) in entries.enumerated() {
            #expect(entry.elements.last?.elements.last?.text?.contains("\"id\":\"event-\(number)\"") == true)
        }
    }

    @Test("one event's error is its own: the others are delivered")
    func ownErrors() async throws {
        let probe = try server.probe()
        _ = try probe.command("SET", "wrong", "no stream")
        let logs = RecordedLogs()
        let destination = RedisStreamsDestination()
        let context = makeContext(makeSettings(server.socketPath), logger: logs.logger(level: .info))
        _ = try await destination.initialize(context)
        let rule = try makeRule(["settings": ["streamKey": "wrong"]])
        var deliveries = batch(0..<6).deliveries
        for index in [1, 2, 4] { deliveries[index] = Delivery(event: makeEvent(number: index), rule: rule) }
        let outcomes = await destination.deliver(DeliveryBatch(deliveries))
        #expect(outcomes.map { $0.entryID != nil } == [true, false, false, true, false, true])
        #expect(outcomes[1].rejectedReason?.hasPrefix("WRONGTYPE") == true)
        #expect(try probe.command("XLEN", "walkeros:events") == .integer(3))
        let errors = logs.entries.filter { $0.level == .error }
        #expect(errors.count == 1)
        #expect(errors.first?.message == "Redis XADD failed")
        #expect(errors.first?.metadata["stream"] == "wrong")
        #expect(errors.first?.metadata["events"] == "3")
        try await destination.destroy(context)
    }

    @Test("an error of Redis that passes is a retry", arguments: ["OOM", "READONLY", "NOPERM"])
    func passingErrors(_ code: String) async throws {
        let destination = try await makeDestination()
        _ = await destination.deliver(batch(0..<1))
        let probe = try server.probe()
        switch code {
        case "OOM": _ = try probe.command("CONFIG", "SET", "maxmemory", "1")
        case "READONLY": _ = try probe.command("REPLICAOF", "127.0.0.1", "1")
        default: _ = try probe.command("ACL", "SETUSER", "default", "-xadd")
        }
        let refused = await destination.deliver(batch(1..<2))
        #expect(refused[0].retryReason?.hasPrefix(code) == true, "\(refused)")
        switch code {
        case "OOM": _ = try probe.command("CONFIG", "SET", "maxmemory", "0")
        case "READONLY": _ = try probe.command("REPLICAOF", "NO", "ONE")
        default: _ = try probe.command("ACL", "SETUSER", "default", "+xadd")
        }
        #expect(await destination.deliver(batch(1..<2))[0].entryID != nil)
        try await destination.destroy(makeContext(.missing))
    }

    @Test("a wrong password is a slow retry for every event, and is never shown")
    func wrongPassword() async throws {
        let server = try RedisServer(["--requirepass", "hunter2"])
        let logs = RecordedLogs()
        let destination = RedisStreamsDestination()
        let options: JSONValue = ["path": .string(server.socketPath), "password": "wr0ng-secret"]
        let context = makeContext(makeSettings("", ["options": options]), logger: logs.logger())
        _ = try await destination.initialize(context)
        let outcomes = await destination.deliver(batch(0..<2))
        for outcome in outcomes {
            guard case .retry(after: .seconds(5), let reason) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(!reason.contains("wr0ng-secret"))
        }
        #expect(outcomes.count == 2)
        #expect(!logs.text.contains("wr0ng-secret"))
        try await destination.destroy(context)
    }

    @Test("Redis is down: initialization succeeds, events wait, time out as retries, and arrive when it is back")
    func serverDown() async throws {
        server.stop()
        let options: JSONValue = ["path": .string(server.socketPath), "commandTimeout": 200]
        let destination = try await makeDestination(["options": options])
        let outcomes = await destination.deliver(batch(0..<2))
        #expect(outcomes.allSatisfy { $0.retryReason?.contains("No such file or directory") == true }, "\(outcomes)")
        try server.start()
        var delivered: [DeliveryOutcome] = []
        repeat { delivered = await destination.deliver(batch(0..<2)) } while delivered.contains { $0.entryID == nil }
        #expect(try server.probe().command("XLEN", "walkeros:events") == .integer(2))
        try await destination.destroy(makeContext(.missing))
    }

    @Test("kill -9 twice in the middle of a stream: every event arrives")
    func killedServer() async throws {
        let server = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        let options: JSONValue = ["path": .string(server.socketPath), "commandTimeout": 30_000]
        let destination = try await makeDestination(["options": options])
        let count = 5_000
        let delivered = Atomic(0)
        let done = Promise<Void>()
        for start in stride(from: 0, to: count, by: 50) {
            destination.deliver(batch(start..<start + 50)) { outcomes in
                for outcome in outcomes where outcome.entryID == nil { Issue.record("\(outcome)") }
                if delivered.add(outcomes.count, ordering: .relaxed).newValue == count { done.fulfil(()) }
            }
            if start == 1_000 || start == 3_000 {
                server.kill()
                try server.start()
            }
        }
        await done.value
        let entries = try server.probe().command("XRANGE", "walkeros:events", "-", "+").elements
        let identifiers = entries.compactMap { entry -> String? in
            guard let text = entry.elements.last?.elements.last?.text else { return nil }
            return (try? JSONValue(jsonText: text))?["id"].string
        }
        #expect(Set(identifiers) == Set((0..<count).map { "event-\($0)" }))
        try await destination.destroy(makeContext(.missing))
    }

    @Test("destroy delivers what is under way, closes the connection, and may be called again")
    func destroys() async throws {
        let destination = try await makeDestination()
        let outcomes = Promise<[DeliveryOutcome]>()
        destination.deliver(batch(0..<500)) { outcomes.fulfil($0) }
        try await destination.destroy(makeContext(.missing))
        try await destination.destroy(makeContext(.missing))
        #expect(await outcomes.value.count { $0.entryID != nil } == 500)
        let probe = try server.probe()
        #expect(try probe.clientID(named: "collectord") == nil)
        #expect(try probe.command("XLEN", "walkeros:events") == .integer(500))
        let late = await destination.deliver(batch(0..<1))
        #expect(late[0].retryReason == "the Redis destination is not initialized")
    }

    @Test("a client of yours is used and left as it is")
    func suppliedClient() async throws {
        let client = try makeClient(server) { $0.clientName = "mine" }
        let destination = RedisStreamsDestination(client: client)
        let context = makeContext(["streamKey": "s", "url": "redis://nowhere.invalid"])
        _ = try await destination.initialize(context)
        #expect(await destination.deliver(batch(0..<1))[0].entryID != nil)
        try await destination.destroy(context)
        #expect(try await client.command(["XLEN", "s"]) == .integer(1))
        try await client.quit()
    }

    @Test("initializing again keeps the client")
    func initializesOnce() async throws {
        let destination = try await makeDestination()
        _ = await destination.deliver(batch(0..<1))
        let probe = try server.probe()
        let before = try probe.clientID(named: "collectord")
        _ = try await destination.initialize(makeContext(makeSettings(server.socketPath)))
        _ = await destination.deliver(batch(0..<1))
        #expect(try probe.clientID(named: "collectord") == before)
        try await destination.destroy(makeContext(.missing))
    }

    @Test("settings without effect are told at the start")
    func notices() async throws {
        let logs = RecordedLogs()
        let destination = RedisStreamsDestination()
        let options: JSONValue = ["path": .string(server.socketPath), "lazyConnect": true]
        let context = makeContext(makeSettings("", ["options": options]), logger: logs.logger())
        _ = try await destination.initialize(context)
        #expect(logs.entries.contains { $0.level == .warning && $0.message.contains("lazyConnect") })
        try await destination.destroy(context)
    }

    @Test("arguments shown are the arguments sent")
    func argumentsShown() async throws {
        let monitor = try server.probe()
        _ = try monitor.command("MONITOR")
        let destination = try await makeDestination(["maxLen": 7, "serialization": "flat"])
        let delivery = Delivery(event: makeEvent(number: 1))
        _ = await destination.deliver(DeliveryBatch([delivery]))
        let settings = try RedisStreamsSettings([
            "redis": ["streamKey": "walkeros:events", "maxLen": 7, "serialization": "flat"]
        ])
        let shown = RedisStreamsCommand.arguments(for: delivery, settings: settings)
        var line = ""
        while !line.contains("\"XADD\"") { line = try monitor.readReply().text ?? "" }
        let quoted = (["XADD"] + shown.map { String(decoding: $0, as: UTF8.self) }).map { text in
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        #expect(line.hasSuffix(quoted.joined(separator: " ")))
        try await destination.destroy(makeContext(.missing))
    }
}
