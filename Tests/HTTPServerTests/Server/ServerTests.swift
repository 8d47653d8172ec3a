import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A whole server on real sockets.
@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("keep-alive: several requests on one connection")
    func keepAlive() async throws {
        try await withServer(handler: EchoHandler()) { _, address in
            let client = try await TestClient.connect(to: address)
            for count in 1...3 {
                try await client.send(Self.get)
                #expect(try await client.responses(count).count == count)
            }
            await client.close()
        }
    }

    @Test("a body of a megabyte in many reads, back and forth")
    func largeBody() async throws {
        let body = String(repeating: "0123456789abcdef", count: 65_536)
        try await withServer(handler: EchoHandler()) { _, address in
            let client = try await TestClient.connect(to: address)
            for count in 1...2 {
                try await client.send(
                    "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
                )
                #expect(try await client.responses(count).last?.body == "POST /a " + body)
            }
            await client.close()
        }
    }

    @Test("answers from other threads, in the order of the requests")
    func answersFromOtherThreads() async throws {
        let handler = ClosureHandler { head, responder in
            let text = String(head.path)
            Task.detached { responder.respond(HTTPResponse(status: .ok, body: ByteBuffer(string: text))) }
            return .ignore
        }
        try await withServer(handler: handler, configure: { $0.eventLoopCount = 2 }) { _, address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let client = try await TestClient.connect(to: address)
                        try await client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
                        #expect(try await client.responses(50).map(\.body) == (0..<50).map { "/\($0)" })
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("two addresses, one of them a Unix socket that only its owner and group may use")
    func unixSocket() async throws {
        let path = "/tmp/collectord-http-test-\(getpid()).sock"
        let listeners: [HTTPListener] = [.tcp(host: "127.0.0.1", port: 0), .unixSocket(path: path)]
        try await withServer(handler: EchoHandler(), listeners: listeners) { server, _ in
            #expect(server.boundAddresses.count == 2)
            #expect(server.boundAddresses.first?.port != 0)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o660)
            for address in server.boundAddresses {
                let client = try await TestClient.connect(to: address)
                try await client.send(Self.get)
                #expect(try await client.responses(1).map(\.body) == ["GET /a "])
                await client.close()
            }
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test("half closure: a client that closes its side after the request still gets the answer, now or later")
    func halfClosure() async throws {
        let handler = HoldingHandler()
        let arrived = Signal()
        let seen = Shared<[HTTPConnectionEvent]>([])
        let counting = ClosureHandler { head, responder in
            responder.onConnectionEvent { event in
                seen.append(event)
                arrived.send()
            }
            return handler.receive(head, responder)
        }
        try await withServer(handler: counting) { _, address in
            let client = try await TestClient.connect(to: address)
            try await client.send(Self.get)
            try await client.closeOutput()
            await arrived.wait()
            #expect(seen.value == [.inputClosed])
            handler.answer(0, "late")
            let bytes = try await client.receiveAll()
            #expect(ReceivedResponse.parse(bytes).responses.map(\.body) == ["late"])
            #expect(!client.wasReset)
        }
    }

    @Test("a client that leaves before the answer is noticed, and answering it does no harm")
    func disconnectBeforeAnswer() async throws {
        let handler = HoldingHandler()
        let left = Signal()
        let observing = ClosureHandler { head, responder in
            responder.onConnectionEvent { _ in left.send() }
            return handler.receive(head, responder)
        }
        try await withServer(handler: observing) { _, address in
            let client = try await TestClient.connect(to: address)
            try await client.send(Self.get)
            await handler.arrived.wait()
            await client.close()
            await left.wait()
            handler.answer(0, "nobody")
            handler.forgetAll()
            let next = try await TestClient.connect(to: address)
            try await next.send(Self.get)
            await handler.arrived.wait()
            handler.answer(0, "somebody")
            #expect(try await next.responses(1).map(\.body) == ["somebody"])
            await next.close()
        }
    }

    @Test("a refused body: the client reads its 413 although it goes on sending, and sees no reset")
    func lingeringClose() async throws {
        try await withServer(handler: EchoHandler(maximumByteCount: 10)) { _, address in
            for _ in 0..<5 {
                let client = try await TestClient.connect(to: address)
                try await client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
                for _ in 0..<40 { client.trySend(String(repeating: "x", count: 100_000)) }
                #expect(try await client.responses(1).map(\.status) == [413])
                _ = try await client.receiveAll()
                #expect(!client.wasReset)
                await client.close()
            }
        }
    }

    @Test("a connection without a head is closed")
    func headerTimeout() async throws {
        try await withServer(handler: EchoHandler(), configure: { $0.limits.headerTimeoutMilliseconds = 40 }) {
            _,
            address in
            let silent = try await TestClient.connect(to: address)
            #expect(try await silent.receiveAll() == [])
            await silent.close()
        }
    }

    @Test("an idle connection is closed")
    func idleTimeout() async throws {
        try await withServer(handler: EchoHandler(), configure: { $0.limits.idleTimeoutMilliseconds = 40 }) {
            _,
            address in
            let idle = try await TestClient.connect(to: address)
            try await idle.send(Self.get)
            #expect(ReceivedResponse.parse(try await idle.receiveAll()).responses.map(\.status) == [200])
            await idle.close()
        }
    }

    @Test("a client that reads nothing of its answer is closed")
    func writeTimeout() async throws {
        let log = RecordingLogHandler.Storage()
        let handler = HTTPResponseHandler { _ in
            HTTPResponse(status: .ok, body: ByteBuffer(repeating: 1, count: 16 << 20))
        }
        try await withServer(
            handler: handler,
            configure: {
                $0.limits.writeTimeoutMilliseconds = 100
            },
            log: log
        ) { _, address in
            let client = try await TestClient.connect(to: address, readsAtOnce: false)
            try await client.send(Self.get)
            // The answer is complete for the handler; its bytes wait for the client.
            await log.wait(for: "reads nothing")
            try await client.startReading()
            let bytes = try await client.receiveAll()
            #expect(bytes.count < 16 << 20)
            await client.close()
        }
    }

    @Test("a slow reader that does read is served to the end")
    func slowReader() async throws {
        let stream = Shared<HTTPResponseStream?>(nil)
        let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 * 1024)
        let written = Shared(0)
        let sawFull = Signal()
        let handler = ClosureHandler { _, responder in
            let begun = responder.begin(HTTPResponse(status: .ok))
            stream.value = begun
            let pump: @Sendable () -> Void = {
                while begun.isWritable, written.value < 256 {
                    begun.write(part)
                    written.value += 1
                }
                if written.value == 256 { begun.end() } else { sawFull.send() }
            }
            begun.onWritable(pump)
            pump()
            return .ignore
        }
        try await withServer(handler: handler) { _, address in
            let client = try await TestClient.connect(to: address, readsAtOnce: false)
            try await client.send(Self.get)
            await sawFull.wait()
            #expect(written.value < 256)
            try await client.startReading()
            let bytes = try await client.receiveToLastChunk()
            #expect(ReceivedResponse.parse(bytes).responses.first?.body.utf8.count == 256 * 64 * 1024)
            #expect(written.value == 256)
            await client.close()
        }
        stream.value = nil
    }

    @Test("connections: at the limit no more are accepted, until one closes")
    func connectionLimit() async throws {
        try await withServer(handler: EchoHandler(), configure: { $0.limits.maximumConnectionCount = 2 }) {
            _,
            address in
            let first = try await TestClient.connect(to: address)
            let second = try await TestClient.connect(to: address)
            for client in [first, second] {
                try await client.send(Self.get)
                #expect(try await client.responses(1).count == 1)
            }
            // The kernel completes the handshake; the server does not take the connection.
            let third = try await TestClient.connect(to: address)
            try await third.send(Self.get)
            try await first.send(Self.get)
            #expect(try await first.responses(2).count == 2)
            #expect(third.received == [])
            await second.close()
            #expect(try await third.responses(1).count == 1)
            for client in [first, third] { await client.close() }
        }
    }

    @Test("a server that cannot listen says where, and leaves nothing behind")
    func bindFailure() async throws {
        try await withServer(handler: EchoHandler()) { _, address in
            let port = try #require(address.port)
            let path = "/tmp/collectord-http-test-\(getpid())-bind.sock"
            let server = HTTPServer(
                configuration: HTTPServerConfiguration(
                    listeners: [.unixSocket(path: path), .tcp(host: "127.0.0.1", port: port)]
                ),
                logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
                handler: EchoHandler()
            )
            let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
            #expect(error?.code == .bindFailed)
            #expect(error?.message.contains("127.0.0.1:\(port)") == true)
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("two servers share a port when both say so")
    func reusedPort() async throws {
        try await withServer(handler: EchoHandler(), configure: { $0.reusesPort = true }) { _, address in
            let port = try #require(address.port)
            let listeners: [HTTPListener] = [.tcp(host: "127.0.0.1", port: port)]
            try await withServer(handler: EchoHandler(), listeners: listeners, configure: { $0.reusesPort = true }) {
                _,
                second in
                #expect(second.port == port)
            }
        }
    }

    @Test("a server without listeners does not start, and none starts twice")
    func startErrors() async throws {
        let none = HTTPServer(
            configuration: HTTPServerConfiguration(listeners: []),
            logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
            handler: EchoHandler()
        )
        #expect(await #expect(throws: HTTPServerError.self) { try await none.start() }?.code == .noListener)
        try await withServer(handler: EchoHandler()) { server, _ in
            #expect(await #expect(throws: HTTPServerError.self) { try await server.start() }?.code == .alreadyStarted)
        }
    }
}
