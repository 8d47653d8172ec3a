import CollectorTesting
import Logging
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against a real server that fails it", .timeLimit(.minutes(2)))
struct RedisClientFailureTests {
    let server: RedisServer

    init() throws {
        server = try RedisServer()
    }

    @Test("with a password; a wrong one is told at once and never shown")
    func passwords() async throws {
        let server = try RedisServer(["--requirepass", "hunter2"])
        let right = try makeClient(server) { $0.password = "hunter2" }
        #expect(try await right.command(["PING"]) == .status("PONG"))
        try await right.quit()

        let logs = RecordedLogs()
        for (password, named) in [("wr0ng-secret", "user name or the password"), (nil, "wants a password")] {
            let client = try makeClient(server, logger: logs.logger()) {
                $0.password = password.map { RedisSecret($0) }
            }
            let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
            #expect(error?.code == .handshakeRefused)
            #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
            try await client.quit()
        }
        #expect(!logs.text.contains("wr0ng-secret"))
        #expect(logs.text.contains("user name or the password"))
    }

    @Test("a database that does not exist is told at once")
    func missingDatabase() async throws {
        let client = try makeClient(server) { $0.database = 99 }
        let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
        #expect(error?.message.contains("no database 99") == true)
        try await client.quit()
    }

    @Test("a command that takes too long fails; its connection is not used again; others are sent again")
    func commandTimeout() async throws {
        let client = try makeClient(server) { $0.commandTimeout = .seconds(1) }
        let probe = try server.probe()
        let before = try await client.command(["CLIENT", "ID"])
        _ = try probe.command("CLIENT", "PAUSE", "60000", "WRITE")
        let error = await #expect(throws: RedisError.self) { try await client.command(["APPEND", "k", "late"]) }
        #expect(error?.code == .timedOut)
        #expect(try await client.command(["ECHO", "next"]).text == "next")
        #expect(try await client.command(["CLIENT", "ID"]) != before)
        _ = try probe.command("CLIENT", "UNPAUSE")
        try await client.quit()
    }

    @Test("kill -9 and restart in the middle of a stream: nothing is lost, the order holds")
    func killedServer() async throws {
        let server = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        let client = try makeClient(server) { $0.commandTimeout = .seconds(30) }
        let count = 20_000
        let answered = Atomic(0)
        let done = Promise<Void>()
        for batch in stride(from: 0, to: count, by: 50) {
            try client.enqueue { encoder in
                for number in batch..<batch + 50 { encoder.command(["XADD", "s", "*", "n", String(number)]) }
            } completion: { replies in
                for index in 0..<replies.count where replies.kind(at: index) != .bulk {
                    Issue.record("\(replies[index])")
                }
                #expect(replies.failure == nil)
                if answered.add(replies.count, ordering: .relaxed).newValue == count { done.fulfil(()) }
            }
            if batch == 5_000 || batch == 15_000 {
                server.kill()
                try server.start()
            }
        }
        await done.value
        let entries = try server.probe().command("XRANGE", "s", "-", "+").elements
        let numbers = entries.compactMap { $0.elements.last?.elements.last?.text.flatMap { Int($0) } }
        #expect(Set(numbers) == Set(0..<count))
        // First copies in order; what was repeated repeats a run that ends where the connection broke.
        var highest = -1
        for number in numbers where number > highest {
            #expect(number == highest + 1)
            highest = number
        }
        try await client.quit()
    }

    @Test("starts while Redis is down, and finds it when it comes up")
    func startsWithServerDown() async throws {
        server.stop()
        let client = try makeClient(server) { $0.commandTimeout = .seconds(30) }
        #expect(!client.isConnected)
        let reply = try client.begin([["PING"]])
        try server.start()
        #expect(await reply.value[0] == .status("PONG"))
        #expect(client.isConnected)
        try await client.quit()
        #expect(!client.isConnected)
    }

    @Test("a frozen server costs a timeout, and serves again when it goes on")
    func frozenServer() async throws {
        let client = try makeClient(server) { $0.commandTimeout = .seconds(1) }
        _ = try await client.command(["PING"])
        server.freeze()
        let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
        #expect(error?.code == .timedOut)
        server.resume()
        #expect(try await client.command(["PING"]) == .status("PONG"))
        try await client.quit()
    }

    @Test("a refused TCP connection is tried again, and the reason told")
    func refusedConnection() async throws {
        let server = try RedisServer(listensOnTCP: true)
        let port = try #require(server.port)
        server.stop()
        let client = try makeClient("") {
            $0.endpoint = .tcp(host: "localhost", port: port)
            $0.commandTimeout = .milliseconds(200)
        }
        let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("localhost:\(port): Connection refused") == true, "\(error?.message ?? "")")
        try server.start()
        while (try? await client.command(["PING"])) != .status("PONG") {}
        try await client.quit()
    }
}
