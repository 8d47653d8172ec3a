import Glibc
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Testing

/// How a server stops.
@Suite(.timeLimit(.minutes(5))) struct ShutdownTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"

    private func server(
        _ handler: any HTTPHandler,
        log: RecordingLogHandler.Storage = RecordingLogHandler.Storage(),
        listener: HTTPListener = .tcp(host: "127.0.0.1", port: 0)
    ) -> HTTPServer {
        var configuration = HTTPServerConfiguration(listeners: [listener])
        configuration.eventLoopCount = 1
        configuration.drainTimeoutMilliseconds = 600_000
        configuration.limits = .patient
        configuration.limits.lingerTimeoutMilliseconds = 100
        return HTTPServer(
            configuration: configuration,
            logger: RecordingLogHandler.logger(log),
            handler: handler
        )
    }

    @Test("idle connections close at once, requests in flight are answered with Connection: close, then it is over")
    func drain() async throws {
        let path = "/tmp/collectord-\(getpid())-drain.sock"
        let handler = HoldingHandler()
        let draining = Signal()
        let server = self.server(
            ClosureHandler { head, responder in
                if head.path == "/idle" {
                    responder.respond(HTTPResponse(status: .ok))
                    return .ignore
                }
                responder.onConnectionEvent { if $0 == .draining { draining.send() } }
                return handler.receive(head, responder)
            },
            // Not a port: another server could be given it as soon as this one lets it go.
            listener: .unixSocket(path: path)
        )
        try await server.start()
        let address = try #require(server.boundAddresses.first)
        let idle = try await TestClient.connect(to: address)
        try await idle.send("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try await idle.responses(1)
        let silent = try await TestClient.connect(to: address)
        let busy = try await TestClient.connect(to: address)
        try await busy.send(Self.get)
        await handler.arrived.wait()

        async let stopped: Void = server.shutdown()
        await draining.wait()
        _ = try await idle.receiveAll()
        _ = try await silent.receiveAll()
        await #expect(throws: (any Error).self) { try await TestClient.connect(to: address) }
        handler.answer(0, "the last")
        let response = try #require(ReceivedResponse.parse(try await busy.receiveAll()).responses.first)
        #expect(response.body == "the last")
        #expect(response["Connection"] == "close")
        await stopped
        #expect(server.boundAddresses.isEmpty)
        for client in [idle, silent, busy] { await client.close() }
    }

    @Test("after the drain timeout the rest is closed")
    func drainTimeout() async throws {
        let handler = HoldingHandler()
        let server = self.server(handler)
        try await server.start()
        let client = try await TestClient.connect(to: try #require(server.boundAddresses.first))
        try await client.send(Self.get)
        await handler.arrived.wait()
        await server.shutdown(timeoutMilliseconds: 50)
        #expect(try await client.receiveAll() == [])
        handler.answer(0, "too late")
        handler.forgetAll()
        await client.close()
    }

    @Test("as a service: graceful shutdown of the group stops it, and run returns")
    func service() async throws {
        let log = RecordingLogHandler.Storage()
        let server = self.server(EchoHandler(), log: log)
        let group = ServiceGroup(
            services: [server],
            logger: RecordingLogHandler.logger(RecordingLogHandler.Storage())
        )
        async let run: Void = group.run()
        await log.wait(for: "listens")
        let client = try await TestClient.connect(to: try #require(server.boundAddresses.first))
        try await client.send(Self.get)
        #expect(try await client.responses(1).count == 1)
        await group.triggerGracefulShutdown()
        try await run
        _ = try await client.receiveAll()
        await client.close()
    }

    @Test("cancellation closes everything at once")
    func cancellation() async throws {
        let handler = HoldingHandler()
        let log = RecordingLogHandler.Storage()
        let server = self.server(handler, log: log)
        let task = Task { try await server.run() }
        await log.wait(for: "listens")
        let client = try await TestClient.connect(to: try #require(server.boundAddresses.first))
        try await client.send(Self.get)
        await handler.arrived.wait()
        task.cancel()
        try await task.value
        #expect(try await client.receiveAll() == [])
        handler.forgetAll()
        await client.close()
    }

    @Test("a shutdown before the start, and a second one, do nothing")
    func idleShutdown() async throws {
        let server = self.server(EchoHandler())
        await server.shutdown()
        try await server.start()
        async let first: Void = server.shutdown()
        async let second: Void = server.shutdown()
        await first
        await second
        await server.shutdown()
    }

    @Test("event loops that belong to the caller are used and left running")
    func providedEventLoops() async throws {
        let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = eventLoops.next()
        let seen = Shared(false)
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)]),
            eventLoopGroup: eventLoops,
            logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
            handler: HTTPResponseHandler { _ in
                seen.value = loop.inEventLoop
                return HTTPResponse(status: .ok)
            }
        )
        try await server.start()
        let client = try await TestClient.connect(to: try #require(server.boundAddresses.first))
        try await client.send(Self.get)
        #expect(try await client.responses(1).count == 1)
        #expect(seen.value)
        await server.shutdown(timeoutMilliseconds: 0)
        #expect(try await loop.submit { 7 }.get() == 7)
        await client.close()
        try await eventLoops.shutdownGracefully()
    }
}
