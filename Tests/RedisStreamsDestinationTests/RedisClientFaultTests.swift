import CollectorTesting
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against a server that misbehaves", .timeLimit(.minutes(2)))
struct RedisClientFaultTests {
    // MARK: Late replies

    @Test("a timed-out connection is never reused: its late reply answers nobody")
    func timedOutConnectionIsNeverReused() async throws {
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            var late: [String] = []
            while let command = connection.readCommand() {
                guard command != ["ECHO", "slow"] else {
                    late.append(MisbehavingServer.bulk("late reply to slow"))
                    continue
                }
                // Whoever writes to this connection after the slow command gets the late reply first.
                for reply in late { connection.send(reply) }
                connection.send(command == ["QUIT"] ? "+OK\r\n" : MisbehavingServer.bulk(command.last ?? ""))
            }
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .seconds(1) }
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
            MisbehavingServer.echo(connection)
        }
        let client = try makeClient(server.socketPath) { $0.commandTimeout = .milliseconds(1_500) }
        let first = try client.begin([["ECHO", "a"]])
        // The second batch has its deadline a second later: time enough for the new connection.
        try await Task.sleep(for: .seconds(1))
        let second = try client.begin([["ECHO", "b"], ["ECHO", "c"]])
        #expect(await first.value.failure?.code == .timedOut)
        let replies = await second.value
        #expect(replies.failure == nil)
        #expect([replies[0].text, replies[1].text] == ["b", "c"])
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
        let total = (0..<commandCount).reduce(0) { $0 + MisbehavingServer.bulk("reply \($1)").utf8.count }
        for cut in 0...total {
            let received = Mutex<[String]>([])
            let server = try ScriptedServer { connection in
                connection.acceptHandshake()
                guard connection.number == 0 else {
                    while let command = connection.readCommand() {
                        received.withLock { $0.append(command.last ?? "") }
                        connection.send(command == ["QUIT"] ? "+OK\r\n" : MisbehavingServer.bulk(command.last ?? ""))
                    }
                    return
                }
                let commands = connection.readCommands(commandCount)
                let replies = commands.map { MisbehavingServer.bulk($0.last ?? "") }.joined()
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
            while answered < commandCount, rest >= MisbehavingServer.bulk("reply \(answered)").utf8.count {
                rest -= MisbehavingServer.bulk("reply \(answered)").utf8.count
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
            connection.send(MisbehavingServer.bulk(command.last ?? ""))
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
            let opening = connection.readCommands(5)
            #expect(
                opening == [
                    ["AUTH", "alice", "p\r\nw"], ["SELECT", "2"], ["CLIENT", "SETNAME", "collectord"],
                    ["INFO", "memory"], ["PING"],
                ]
            )
            connection.send("+OK\r\n+OK\r\n+OK\r\n+OK\r\n")
            isAnswered.store(true, ordering: .sequentiallyConsistent)
            connection.send("+PONG\r\n")
            _ = connection.readCommand()
            let wasAnswered = isAnswered.load(ordering: .sequentiallyConsistent)
            #expect(wasAnswered)
            connection.send(":1\r\n")
            MisbehavingServer.echo(connection)
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
                case "ECHO": connection.send(isLoading ? "-LOADING\r\n" : MisbehavingServer.bulk(command[1]))
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
        let server = try MisbehavingServer.misbehaving { connection in
            connection.send("-ERR unknown command 'X', with args beginning with: 'secret' \u{1B}[2J\r\n")
            MisbehavingServer.echo(connection)
        }
        let client = try makeClient(server.socketPath)
        #expect(try await client.command(["X", "secret"]) == .error("ERR unknown command 'X'"))
        try await client.quit()
    }
}
