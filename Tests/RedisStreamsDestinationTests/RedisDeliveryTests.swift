import Collector
import CollectorTesting
import EventJSON
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Single writer, partitions, replicas", .timeLimit(.minutes(2)))
struct RedisDeliveryTests {
    let server: RedisServer

    init() throws {
        server = try RedisServer(listensOnTCP: true)
    }

    private func makeDestination(_ change: (inout RedisStreamsSettings) -> Void) async throws -> RedisStreamsDestination
    {
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.endpoint = .unix(path: server.socketPath)
        change(&settings)
        return try await start(settings)
    }

    private func deliver(_ destination: RedisStreamsDestination, _ numbers: Int...) async -> [DeliveryOutcome] {
        await destination.deliver(DeliveryBatch(numbers.map { Delivery(event: makeEvent(number: $0)) }))
    }

    // MARK: Single writer

    @Test("ids are chosen here, and are those of the entries, trimming included", arguments: [false, true])
    func ownIDs(_ isFlat: Bool) async throws {
        let destination = try await makeDestination {
            $0.isSingleWriter = true
            $0.maximumLength = 2
            $0.trimsExactly = true
            $0.serialization = isFlat ? .flat : .json
        }
        let outcomes = await deliver(destination, 1, 2, 3)
        let entries = try server.probe().command("XRANGE", "walkeros:events", "-", "+").elements
        #expect(entries.map { $0.elements.first?.text } == outcomes.dropFirst().map(\.entryID))
        #expect(entries.last?.elements.last?.elements.count == (isFlat ? 30 : 2))
        await destination.end()
    }

    @Test("another writer's greater ids are met with greater ones, and its entries are not taken for ours")
    func otherWriter() async throws {
        let probe = try server.probe()
        _ = try probe.command("XADD", "walkeros:events", "99999999999999-7", "who", "other")
        let destination = try await makeDestination { $0.isSingleWriter = true }
        let outcomes = await deliver(destination, 1, 2)
        #expect(outcomes.allSatisfy { $0.entryID?.hasPrefix("99999999999999-") == true }, "\(outcomes)")
        #expect(try probe.command("XLEN", "walkeros:events") == .integer(3))
        await destination.end()
    }

    @Test("a scripted loss: the same id comes again, Redis refuses it, the entry is found")
    func sameID() async throws {
        let ids = Mutex<[String]>([])
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand() {
                switch command[0] {
                case "XADD":
                    ids.withLock { $0.append(command[2]) }
                    // The first connection takes the command and says nothing.
                    if connection.number == 0 { return }
                    connection.send(
                        "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"
                    )
                case "XREVRANGE": connection.send("*0\r\n")
                case "XRANGE":
                    let event = String(decoding: makeEvent(number: 1).json, as: UTF8.self)
                    connection.send("*1\r\n*2\r\n" + MisbehavingServer.bulk(command[2]))
                    connection.send("*2\r\n$5\r\nevent\r\n" + MisbehavingServer.bulk(event))
                default: connection.send("+OK\r\n")
                }
            }
        }
        let destination = try await makeDestination {
            $0.configuration.endpoint = .unix(path: server.socketPath)
            $0.isSingleWriter = true
        }
        let outcome = await deliver(destination, 1)[0]
        let seen = ids.withLock { $0 }
        #expect(seen.count == 2)
        #expect(Set(seen) == [outcome.entryID])
        await destination.end()
    }

    @Test("an entry with the id but other content is not ours: the event gets a greater id")
    func foreignEntry() async throws {
        let ids = Mutex<[String]>([])
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand() {
                switch command[0] {
                case "XADD":
                    let isFirst = ids.withLock { ids in
                        ids.append(command[2])
                        return ids.count == 1
                    }
                    connection.send(
                        isFirst
                            ? "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"
                            : MisbehavingServer.bulk(command[2])
                    )
                case "XREVRANGE": connection.send("*1\r\n*2\r\n$16\r\n99999999999999-4\r\n*0\r\n")
                case "XRANGE":
                    connection.send("*1\r\n*2\r\n" + MisbehavingServer.bulk(command[2]))
                    connection.send("*2\r\n$5\r\nevent\r\n$2\r\n{}\r\n")
                default: connection.send("+OK\r\n")
                }
            }
        }
        let destination = try await makeDestination {
            $0.configuration.endpoint = .unix(path: server.socketPath)
            $0.isSingleWriter = true
        }
        let outcome = await deliver(destination, 1)[0]
        #expect(outcome.entryID == "99999999999999-5")
        #expect(ids.withLock { $0.last } == "99999999999999-5")
        await destination.end()
    }

    // MARK: Partitions

    @Test("events with the same value go to the same key, in order; the keys are as documented")
    func partitions() async throws {
        let destination = try await makeDestination {
            $0.partitioning = RedisPartitioning(count: 4, key: "data.n")
        }
        try await EventPump(destination: destination).run(400)
        let probe = try server.probe()
        var total = 0
        for (partition, key) in partitionKeys(4).enumerated() {
            let audit = try StreamAudit([server], keys: [key])
            let expected = (0..<400).filter { Int(RedisHashSlot.checksum("\($0)".utf8)) % 4 == partition }
            #expect(audit.order == expected.map { "event-\($0)" })
            total += audit.order.count
        }
        #expect(total == 400)
        #expect(try probe.command("EXISTS", "walkeros:events") == .integer(0))
        await destination.end()
    }

    @Test("a missing value is replaced by the event's id; text and numbers of the same spelling agree")
    func partitionValues() throws {
        func partition(_ key: String, _ data: String) throws -> Int {
            let json = #"{"name":"page view","data":{"v":\#(data)},"id":"the-id"}"#
            return RedisPartitioning(count: 1_000, key: key).partition(of: try Event(jsonText: Array(json.utf8)))
        }
        let byID = Int(RedisHashSlot.checksum("the-id".utf8)) % 1_000
        #expect(try partition("data.nothing", "1") == byID)
        #expect(try partition("data.v", "null") == byID)
        #expect(try partition("data.v", "12") == partition("data.v", "\"12\""))
        #expect(try partition("data.v", "\"12\"") == Int(RedisHashSlot.checksum("12".utf8)) % 1_000)
        #expect(try partition("data.v", "[1]") == Int(RedisHashSlot.checksum("[1]".utf8)) % 1_000)
    }

    @Test("a rule's stream is partitioned as well")
    func ruleStream() async throws {
        let destination = try await makeDestination { $0.partitioning = RedisPartitioning(count: 3, key: "id") }
        let rule = try makeRule(["settings": ["streamKey": "orders"]])
        let batch = DeliveryBatch((0..<30).map { Delivery(event: makeEvent(number: $0), rule: rule) })
        #expect(await destination.deliver(batch).allSatisfy { $0.entryID != nil })
        let lengths = try (0..<3).map { try server.probe().command("XLEN", "orders:\($0)") }
        #expect(lengths.allSatisfy { $0 != .integer(0) })
        await destination.end()
    }

    // MARK: Replicas

    @Test("without replicas' word an event is not delivered; with it, it is", arguments: [false, true])
    func replicas(_ single: Bool) async throws {
        let destination = try await makeDestination {
            $0.isSingleWriter = single
            $0.replicaConfirmation = RedisReplicaConfirmation(replicaCount: 1, timeout: .milliseconds(100))
        }
        let alone = await deliver(destination, 1, 2)
        #expect(alone.allSatisfy { $0.retryReason == "0 of 1 replicas have the entry" }, "\(alone)")
        let replica = try RedisServer(["--repl-diskless-sync-delay", "0"], listensOnTCP: true)
        _ = try replica.probe().command("REPLICAOF", "127.0.0.1", "\(server.port ?? 0)")
        // Only what is not delivered comes again.
        for number in 1...2 { while await deliver(destination, number)[0].entryID == nil {} }
        let audit = try StreamAudit([replica])
        #expect(audit.lost(of: 3) == 1)
        if single { #expect(audit.duplicates == 0) }
        await destination.end()
    }
}
