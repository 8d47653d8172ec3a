import CollectorTesting
import Logging
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against a real server", .timeLimit(.minutes(2)))
struct RedisClientTests {
    let server: RedisServer

    init() throws {
        server = try RedisServer()
    }

    @Test("a command gets its reply, of every kind")
    func replies() async throws {
        let client = try makeClient(server)
        let value = "v\r\n\0%s"
        #expect(try await client.command(["PING"]) == .status("PONG"))
        #expect(try await client.command(["SET", "k", value]) == .status("OK"))
        #expect(try await client.command(["GET", "k"]) == .bulk(Array(value.utf8)))
        #expect(try await client.command(["GET", "none"]) == .null)
        #expect(try await client.command(["STRLEN", "k"]) == .integer(6))
        #expect(try await client.command(["MGET", "k", "none"]) == .array([.bulk(Array(value.utf8)), .null]))
        let nested = try await client.command(["EVAL", "return {1,{'a',{}},2}", "0"])
        #expect(nested == .array([.integer(1), .array([.bulk([97]), .array([])]), .integer(2)]))
        guard case .error(let text) = try await client.command(["LPUSH", "k", "x"]) else {
            Issue.record("not an error")
            return
        }
        #expect(text.hasPrefix("WRONGTYPE"))
        try await client.quit()
    }

    @Test("ten thousand entries arrive in the order in which they were sent")
    func order() async throws {
        let client = try makeClient(server)
        let count = 10_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for batch in stride(from: 0, to: count, by: 100) {
                let replies = try client.begin((batch..<batch + 100).map { ["XADD", "s", "*", "n", String($0)] })
                group.addTask { #expect(await replies.value.count == 100) }
            }
            try await group.waitForAll()
        }
        let entries = try server.probe().command("XRANGE", "s", "-", "+").elements
        #expect(entries.count == count)
        for (number, entry) in entries.enumerated() {
            #expect(entry.elements.last?.elements.last?.text == String(number))
        }
        try await client.quit()
    }

    @Test("many tasks at once: each gets its own reply or its own error")
    func concurrentFailuresKeepTheirOwnError() async throws {
        let client = try makeClient(server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for round in 0..<1_000 {
                        let id = "\(task)-\(round)"
                        let script = round % 2 == 0 ? "return ARGV[1]" : "return redis.error_reply('ERR ' .. ARGV[1])"
                        let reply = try await client.command(["EVAL", script, "0", id])
                        let isOwn = round % 2 == 0 ? reply == .bulk(Array(id.utf8)) : reply == .error("ERR \(id)")
                        if !isOwn { Issue.record("\(id) got \(reply)") }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await client.quit()
    }

    @Test("values of many megabytes, both ways", arguments: [1 << 20, 5_000_000])
    func largeValues(_ size: Int) async throws {
        let client = try makeClient(server) { $0.limits.replyBytes = 8 << 20 }
        let value = String(repeating: "x", count: size)
        #expect(try await client.command(["SET", "big", value]) == .status("OK"))
        #expect(try await client.command(["STRLEN", "big"]) == .integer(Int64(size)))
        #expect(try await client.command(["GET", "big"]) == .bulk(Array(value.utf8)))
        try await client.quit()
    }

    @Test("a reply over the limit closes the connection; the next command gets a new one")
    func replyLimit() async throws {
        let client = try makeClient(server) { $0.limits.replyBytes = 1_000 }
        _ = try await client.command(["SET", "big", String(repeating: "x", count: 1_001)])
        let error = await #expect(throws: RedisError.self) { try await client.command(["GET", "big"]) }
        #expect(error?.code == .protocolViolation)
        #expect(error?.message.contains("1000 bytes") == true)
        #expect(try await client.command(["PING"]) == .status("PONG"))
        try await client.quit()
    }

    @Test("injected commands stay data")
    func injection() async throws {
        let client = try makeClient(server)
        let evil = ["*1\r\n$8\r\nFLUSHALL\r\n", "a\r\nFLUSHALL\r\n", "%s%n%b", "\0", "", "{}", "\r\n\r\n"]
        for (number, text) in evil.enumerated() {
            #expect(try await client.command(["XADD", text + "-key", "*", text, text]).text != nil)
            #expect(try await client.command(["SET", "v\(number)", text]) == .status("OK"))
            #expect(try await client.command(["GET", "v\(number)"]) == .bulk(Array(text.utf8)))
        }
        #expect(try server.probe().command("DBSIZE") == .integer(2 * evil.count))
        try await client.quit()
    }

    @Test("over TCP, in another database, under its name")
    func tcp() async throws {
        let server = try RedisServer(listensOnTCP: true)
        let port = try #require(server.port)
        let configuration = try RedisConfiguration(url: "redis://127.0.0.1:\(port)/3?connectionName=tcp-test")
        let client = try RedisClient(configuration: configuration, logger: .silent)
        try client.start()
        #expect(try await client.command(["SET", "a", "1"]) == .status("OK"))
        let probe = try server.probe()
        _ = try probe.command("SELECT", "3")
        #expect(try probe.command("GET", "a").text == "1")
        #expect(try probe.command("CLIENT", "LIST").text?.contains("name=tcp-test") == true)
        try await client.quit()
        #expect(try probe.command("CLIENT", "LIST").text?.contains("name=tcp-test") == false)
    }

    @Test("quit waits for what is under way, refuses more, and may be called again")
    func quits() async throws {
        let client = try makeClient(server) { $0.clientName = "quitter" }
        let replies = try client.begin((0..<1_000).map { ["XADD", "s", "*", "n", String($0)] })
        try await client.quit()
        #expect(await replies.value.count == 1_000)
        try await client.quit()
        let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
        #expect(error?.code == .closed)
        let probe = try server.probe()
        #expect(try probe.clientID(named: "quitter") == nil)
        #expect(try probe.command("XLEN", "s") == .integer(1_000))
    }

    @Test("quit gives up at its time limit and fails what waits")
    func quitTimeout() async throws {
        server.stop()
        let client = try makeClient(server)
        let replies = try client.begin([["PING"], ["PING"]])
        let error = await #expect(throws: RedisError.self) { try await client.quit(timeout: .milliseconds(100)) }
        #expect(error?.code == .timedOut)
        let failed = await replies.value
        #expect(failed.count == 0)
        #expect(failed.commandCount == 2)
        #expect(failed.failure?.code == .timedOut)
    }

    @Test("a client does not spin, neither idle nor without its server")
    func sleeps() async throws {
        let client = try makeClient(server) {
            $0.clientName = "sleeper"
            $0.commandTimeout = .seconds(30)
        }
        _ = try await client.command(["PING"])
        #expect(try await ticks(in: .milliseconds(300)) < 5)
        server.stop()
        let reply = try client.begin([["PING"]])
        #expect(try await ticks(in: .milliseconds(300)) < 5)
        try server.start()
        #expect(await reply.value.count == 1)
        try await client.quit()
    }

    /// What the thread uses in a while that is only waited for to measure it; spinning would be all of it.
    private func ticks(in duration: Duration) async throws -> Int {
        let before = try #require(ThreadTime.ticks(ofThread: "redis-sleeper"))
        try await Task.sleep(for: duration)
        return try #require(ThreadTime.ticks(ofThread: "redis-sleeper")) - before
    }

    @Test("a released client closes its connection and fails what waits")
    func released() async throws {
        let probe = try server.probe()
        var client: RedisClient? = try makeClient(server) { $0.clientName = "released" }
        _ = try await client?.command(["PING"])
        #expect(try probe.clientID(named: "released") != nil)
        _ = try probe.command("CLIENT", "PAUSE", "60000", "WRITE")
        let replies = try #require(try client?.begin([["APPEND", "k", "v"]]))
        client = nil
        #expect(await replies.value.failure?.code == .closed)
        _ = try probe.command("CLIENT", "UNPAUSE")
        while try probe.clientID(named: "released") != nil { await Task.yield() }
    }

    @Test("a client that was never started can be quit")
    func neverStarted() async throws {
        let client = try RedisClient(configuration: RedisConfiguration(), logger: .silent)
        let replies = try client.begin([["PING"]])
        try await client.quit()
        #expect(await replies.value.failure?.code == .closed)
        #expect(throws: RedisError.self) { try client.begin([["PING"]]) }
    }

    @Test("more than the limits allow is refused, and taken again later")
    func limits() async throws {
        server.stop()
        let client = try makeClient(server) {
            $0.commandTimeout = .seconds(30)
            $0.limits.pendingCommands = 3
            $0.limits.pendingBytes = 1_000
        }
        let first = try client.begin([["PING"], ["PING"]])
        let error = #expect(throws: RedisError.self) { try client.begin([["PING"], ["PING"]]) }
        #expect(error?.code == .tooManyPending)
        #expect(error?.message.contains("limit is 3") == true)
        let large = String(repeating: "x", count: 1_000)
        #expect(throws: RedisError.self) { try client.begin([["ECHO", large]]) }
        let second = try client.begin([["ECHO", "after"]])
        try server.start()
        #expect(await first.value.count == 2)
        #expect(await second.value[0] == .bulk(Array("after".utf8)))
        // Alone, even a batch over the limit is taken: refused for ever, it could never be delivered.
        #expect(try await client.command(["ECHO", large]) == .bulk(Array(large.utf8)))
        try await client.quit()
    }

    @Test("no command at all is an error of the caller")
    func emptyCommand() async throws {
        let client = try makeClient(server)
        let error = await #expect(throws: RedisError.self) { try await client.command([]) }
        #expect(error?.code == .invalidConfiguration)
        try await client.quit()
    }
}
