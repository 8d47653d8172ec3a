import CollectorTesting
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against replies that are none", .timeLimit(.minutes(2)))
struct RedisClientNonsenseTests {
    private static let nonsense = [
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "$-5\r\n", ":99999999999999999999\r\n", "*-2\r\n",
        "*2147483648\r\n", "$abc\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", "#t\r\n", ">1\r\n+x\r\n", "(1\r\n", ",1.5\r\n",
        "\0", "\r\n", String(repeating: "*1\r\n", count: 9) + ":1\r\n", "*2\r\n:1\r\nx",
    ]

    @Test("what is not RESP closes the connection; the command is sent again", arguments: nonsense)
    func nonsenseReplies(_ nonsense: String) async throws {
        let server = try MisbehavingServer.misbehaving { connection in
            connection.send(nonsense)
            connection.waitForClose()
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["ECHO", "again"]).text == "again")
        #expect(server.connectionCount == 2)
        try await client.quit()
    }

    private static let oversized = [
        "$9223372036854775807\r\n", "$1048577\r\n", "*2147483647\r\n", "*1000000\r\n",
        "*2\r\n$600000\r\n" + String(repeating: "x", count: 600_000) + "\r\n$600000\r\n",
    ]

    @Test("a reply that announces too much fails its command at once", arguments: oversized)
    func oversizedReplies(_ head: String) async throws {
        let server = try MisbehavingServer.misbehaving { connection in
            connection.send(head)
            connection.waitForClose()
        }
        let client = try makeClient(server.socketPath)
        let error = await #expect(throws: RedisError.self) { try await client.command(["ECHO", "large"]) }
        #expect(error?.code == .protocolViolation)
        #expect(error?.message.contains("1048576 bytes") == true)
        #expect(try await client.command(["ECHO", "next"]).text == "next")
        try await client.quit()
    }

    @Test("a reply without end is cut at the limit", arguments: ["+", "$", "*1000\r\n$1000\r\n"])
    func endlessReplies(_ start: String) async throws {
        let sent = Atomic(0)
        let server = try MisbehavingServer.misbehaving { connection in
            connection.send(start)
            let piece = [UInt8](repeating: UInt8(ascii: "1"), count: 64 << 10)
            while connection.send(piece) { sent.add(1, ordering: .relaxed) }
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .seconds(60) }
        // An endless number or element is not RESP, an endless line is too large.
        do {
            #expect(try await client.command(["ECHO", "endless"]).text == "endless")
        } catch {
            #expect(error.code == .protocolViolation)
        }
        #expect(try await client.command(["ECHO", "next"]).text == "next")
        #expect(sent.load(ordering: .relaxed) < 64, "\(sent.load(ordering: .relaxed)) pieces of 64 KiB")
        try await client.quit()
    }

    @Test(
        "a reply that nobody asked for closes the connection",
        arguments: ["+hello\r\n", "-ERR\u{7}\r\nbye\r\n", ":1\r\n:2\r\n"]
    )
    func unsolicitedReplies(_ text: String) async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            if connection.number == 0 {
                connection.send(text)
                connection.waitForClose()
            } else {
                MisbehavingServer.echo(connection)
            }
        }
        let logs = RecordedLogs()
        let client = try makeClient(server.socketPath, logger: logs.logger())
        while server.connectionCount < 2 { await Task.yield() }
        #expect(try await client.command(["ECHO", "mine"]).text == "mine")
        #expect(logs.text.contains("no command asked for"))
        #expect(!logs.text.contains("\u{7}"))
        try await client.quit()
    }

    @Test("one reply too many is not taken for the next command's")
    func oneReplyTooMany() async throws {
        let server = try MisbehavingServer.misbehaving { connection in
            connection.send("+right\r\n+wrong\r\n")
            connection.waitForClose()
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["ECHO", "a"]) == .status("right"))
        #expect(try await client.command(["ECHO", "b"]).text == "b")
        try await client.quit()
    }
}
