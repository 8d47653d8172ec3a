import CollectorTesting
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against a server that misbehaves", .timeLimit(.minutes(2)))
struct RedisClientFaultTests {
    /// Answers every command with its last argument.
    private static func echo(_ connection: ScriptedServer.Connection) {
        while let command = connection.readCommand() {
            connection.send(command == ["QUIT"] ? "+OK\r\n" : bulk(command.last ?? ""))
        }
    }

    private static func bulk(_ text: String) -> String {
        "$\(text.utf8.count)\r\n\(text)\r\n"
    }

    /// Misbehaves on the first connection after its handshake and first command, behaves on the others.
    private func makeServer(_ misbehave: @escaping @Sendable (ScriptedServer.Connection) -> Void) throws
        -> ScriptedServer
    {
        try ScriptedServer { connection in
            connection.acceptHandshake()
            if connection.number == 0 {
                _ = connection.readCommand()
                misbehave(connection)
            } else {
                Self.echo(connection)
            }
        }
    }

    // MARK: Late replies

    @Test("a timed-out connection is never reused: its late reply answers nobody")
    func timedOutConnectionIsNeverReused() async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            var late: [String] = []
            while let command = connection.readCommand() {
                guard command != ["ECHO", "slow"] else {
                    late.append(Self.bulk("late reply to slow"))
                    continue
                }
                // Whoever writes to this connection after the slow command gets the late reply first.
                for reply in late { connection.send(reply) }
                connection.send(command == ["QUIT"] ? "+OK\r\n" : Self.bulk(command.last ?? ""))
            }
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .milliseconds(200) }
        #expect(try await client.command(["ECHO", "first"]).text == "first")
        let error = await #expect(throws: RedisError.self) { try await client.command(["ECHO", "slow"]) }
        #expect(error?.code == .timedOut)
        for number in 0..<20 {
            #expect(try await client.command(["ECHO", "\(number)"]).text == "\(number)")
        }
        #expect(server.connectionCount == 2)
        try await client.quit()
    }

    @Test("a timed-out command fails alone; the commands behind it are answered on the new connection")
    func othersSurviveATimeout() async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            guard connection.number > 0 else { return connection.waitForClose() }
            Self.echo(connection)
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .milliseconds(300) }
        let first = try client.begin([["ECHO", "a"]])
        try await Task.sleep(for: .milliseconds(100))
        let second = try client.begin([["ECHO", "b"], ["ECHO", "c"]])
        #expect(await first.value.failure?.code == .timedOut)
        let replies = await second.value
        #expect(replies.failure == nil)
        #expect([replies[0].text, replies[1].text] == ["b", "c"])
        try await client.quit()
    }

    // MARK: Nonsense

    private static let nonsense = [
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "$-5\r\n", ":99999999999999999999\r\n", "*-2\r\n",
        "*2147483648\r\n", "$abc\r\n", "%1\r\n+a\r\n+b\r\n", "_\r\n", "#t\r\n", ">1\r\n+x\r\n", "(1\r\n", ",1.5\r\n",
        "\0", "\r\n", String(repeating: "*1\r\n", count: 9) + ":1\r\n", "*2\r\n:1\r\nx",
    ]

    @Test("what is not RESP closes the connection; the command is sent again", arguments: nonsense)
    func nonsenseReplies(_ nonsense: String) async throws {
        let server = try makeServer { connection in
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
        let server = try makeServer { connection in
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
        let server = try makeServer { connection in
            connection.send(start)
            let piece = [UInt8](repeating: UInt8(ascii: "1"), count: 64 << 10)
            while connection.send(piece) { sent.add(1, ordering: .relaxed) }
        }
        let client = try makeClient(server.socketPath)
        let began = ContinuousClock.now
        // An endless number or element is not RESP, an endless line is too large.
        _ = try? await client.command(["ECHO", "endless"])
        #expect(try await client.command(["ECHO", "next"]).text == "next")
        #expect(ContinuousClock.now - began < .seconds(8))
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
                Self.echo(connection)
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
        let server = try makeServer { connection in
            connection.send("+right\r\n+wrong\r\n")
            connection.waitForClose()
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["ECHO", "a"]) == .status("right"))
        #expect(try await client.command(["ECHO", "b"]).text == "b")
        try await client.quit()
    }

    // MARK: Broken connections

    @Test("replies in pieces of one byte are the same replies")
    func slicedReplies() async throws {
        let reply = "*4\r\n$5\r\na\r\nb\0\r\n:-12\r\n*1\r\n$-1\r\n+ok\r\n"
        let server = try ScriptedServer { connection in
            while let command = connection.readCommand() {
                let text =
                    switch command[0] {
                    case "PING": "+PONG\r\n"
                    case "GET": reply
                    default: "+OK\r\n"
                    }
                for byte in text.utf8 { connection.send([byte]) }
            }
        }
        let client = try makeClient(server.socketPath)
        let expected = RedisReply.array([.bulk(Array("a\r\nb\0".utf8)), .integer(-12), .array([.null]), .status("ok")])
        for _ in 0..<10 {
            #expect(try await client.command(["GET", "x"]) == expected)
        }
        try await client.quit()
        #expect(server.connectionCount == 1)
    }

    @Test("a connection cut after any number of reply bytes loses and swaps nothing")
    func cutAnywhere() async throws {
        let commandCount = 6
        let total = (0..<commandCount).reduce(0) { $0 + Self.bulk("reply \($1)").utf8.count }
        for cut in 0...total {
            let received = Mutex<[String]>([])
            let server = try ScriptedServer { connection in
                connection.acceptHandshake()
                guard connection.number == 0 else {
                    while let command = connection.readCommand() {
                        received.withLock { $0.append(command.last ?? "") }
                        connection.send(command == ["QUIT"] ? "+OK\r\n" : Self.bulk(command.last ?? ""))
                    }
                    return
                }
                let commands = connection.readCommands(commandCount)
                let replies = commands.map { Self.bulk($0.last ?? "") }.joined()
                connection.send(Array(replies.utf8.prefix(cut)))
            }
            let client = try makeClient(server.socketPath)
            let halves = try [0..<3, 3..<commandCount].map { numbers in
                try client.begin(numbers.map { ["ECHO", "reply \($0)"] })
            }
            var texts: [String?] = []
            for half in halves {
                let replies = await half.value
                #expect(replies.failure == nil)
                for index in 0..<replies.count { texts.append(replies[index].text) }
            }
            #expect(texts == (0..<commandCount).map { "reply \($0)" }, "cut after \(cut) bytes")
            // After the last cut everything is answered, and QUIT may meet the end of the connection.
            cut == total ? try? await client.quit() : try await client.quit()
            // Only commands without a whole reply were sent again.
            var answered = 0
            var rest = cut
            while answered < commandCount, rest >= Self.bulk("reply \(answered)").utf8.count {
                rest -= Self.bulk("reply \(answered)").utf8.count
                answered += 1
            }
            let again = received.withLock { $0.filter { $0 != "QUIT" } }
            #expect(again == (answered..<commandCount).map { "reply \($0)" }, "cut after \(cut) bytes")
        }
    }

    @Test("a server that cuts every connection after one reply is served to the end")
    func alwaysCut() async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            guard let command = connection.readCommand() else { return }
            connection.send(Self.bulk(command.last ?? ""))
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .seconds(60) }
        let replies = try await client.begin((0..<20).map { ["ECHO", "\($0)"] }).value
        #expect((0..<replies.count).map { replies[$0].text } == (0..<20).map { "\($0)" })
        try? await client.quit()
    }

    // MARK: The opening and the end

    @Test("nothing is written before the whole handshake is answered")
    func handshakeFirst() async throws {
        let isAnswered = Atomic(false)
        let server = try ScriptedServer { connection in
            let opening = connection.readCommands(4)
            #expect(
                opening == [
                    ["AUTH", "alice", "p\r\nw"], ["SELECT", "2"], ["CLIENT", "SETNAME", "collectord"], ["PING"],
                ]
            )
            connection.send("+OK\r\n+OK\r\n+OK\r\n")
            isAnswered.store(true, ordering: .sequentiallyConsistent)
            connection.send("+PONG\r\n")
            _ = connection.readCommand()
            let wasAnswered = isAnswered.load(ordering: .sequentiallyConsistent)
            #expect(wasAnswered)
            connection.send(":1\r\n")
            Self.echo(connection)
        }
        let client = try makeClient(server.socketPath) {
            $0.username = "alice"
            $0.password = "p\r\nw"
            $0.database = 2
        }
        #expect(try await client.command(["XLEN", "s"]) == .integer(1))
        try await client.quit()
    }

    @Test("a server that loads its data is asked again, without a storm of connections")
    func loading() async throws {
        let server = try ScriptedServer { connection in
            let isLoading = connection.number < 4
            while let command = connection.readCommand() {
                switch command[0] {
                case "PING":
                    connection.send(isLoading ? "-LOADING Redis is loading the dataset in memory\r\n" : "+PONG\r\n")
                case "ECHO": connection.send(isLoading ? "-LOADING\r\n" : Self.bulk(command[1]))
                default: connection.send("+OK\r\n")
                }
            }
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["ECHO", "a"]).text == "a")
        #expect(server.connectionCount == 5)
        try await client.quit()
    }

    @Test("QUIT is the last command, after everything else was answered")
    func quitIsLast() async throws {
        let received = Mutex<[String]>([])
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand() {
                received.withLock { $0.append(command[0]) }
                connection.send("+OK\r\n")
            }
        }
        let client = try makeClient(server.socketPath)
        let replies = try client.begin([["XADD"], ["XADD"]])
        try await client.quit()
        #expect(await replies.value.count == 2)
        #expect(received.withLock { $0 } == ["XADD", "XADD", "QUIT"])
    }

    @Test("a connection that breaks instead of an answer to QUIT is told, and the client is closed")
    func quitBroken() async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand(), command != ["QUIT"] { connection.send("+OK\r\n") }
        }
        let client = try makeClient(server.socketPath)
        _ = try await client.command(["PING"])
        let error = await #expect(throws: RedisError.self) { try await client.quit() }
        #expect(error?.code == .connectionFailed)
        #expect(!client.isConnected)
        try await client.quit()
    }

    @Test("an error that a server sends for logs is one safe line")
    func errorText() async throws {
        let server = try makeServer { connection in
            connection.send("-ERR unknown command 'X', with args beginning with: 'secret' \u{1B}[2J\r\n")
            Self.echo(connection)
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["X", "secret"]) == .error("ERR unknown command 'X'"))
        try await client.quit()
    }
}
