import CollectorTesting
import Foundation
import HTTPServer
import NIOCore
import NIOPosix
import Testing

/// The file of a Unix domain socket: whose it is, and who may take its place.
@Suite(.timeLimit(.minutes(1))) struct SocketFileTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/http.sock"
    }

    private func server() -> HTTPServer {
        var configuration = HTTPServerConfiguration(listeners: [.unixSocket(path: path)])
        configuration.eventLoopCount = 1
        return HTTPServer(
            configuration: configuration,
            logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
            handler: EchoHandler()
        )
    }

    @Test("a socket that an earlier process left behind is replaced")
    func stale() async throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let result = try SocketAddress(unixDomainSocketPath: path).withSockAddr { address, byteCount in
            bind(descriptor, address, socklen_t(byteCount))
        }
        #expect(result == 0 && listen(descriptor, 1) == 0 && close(descriptor) == 0)
        #expect(access(path, F_OK) == 0)
        let server = server()
        try await server.start()
        let client = try await TestClient.connect(to: try SocketAddress(unixDomainSocketPath: path))
        try await client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try await client.responses(1).map(\.body) == ["GET /a "])
        await client.close()
        await server.shutdown()
    }

    @Test("a socket that somebody listens on is left alone, and the error says so")
    func inUse() async throws {
        let first = server()
        try await first.start()
        let error = await #expect(throws: HTTPServerError.self) { try await server().start() }
        #expect(error?.code == .bindFailed)
        #expect(error?.message.contains("another process listens there") == true)
        let client = try await TestClient.connect(to: try SocketAddress(unixDomainSocketPath: path))
        try await client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try await client.responses(1).map(\.body) == ["GET /a "])
        await client.close()
        await first.shutdown()
        #expect(access(path, F_OK) != 0)
    }

    @Test("a file that is no socket is left alone, a link too")
    func noSocket() async throws {
        try Data("precious".utf8).write(to: URL(filePath: path))
        let error = await #expect(throws: HTTPServerError.self) { try await server().start() }
        #expect(error?.message.contains("the file there is no socket") == true)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("precious".utf8))
        #expect(unlink(path) == 0 && symlink("\(directory.path)/elsewhere", path) == 0)
        await #expect(throws: HTTPServerError.self) { try await server().start() }
    }

    @Test("at shutdown the file is removed, unless another has taken its place")
    func replaced() async throws {
        let first = server()
        try await first.start()
        #expect(unlink(path) == 0)
        let second = server()
        try await second.start()
        await first.shutdown()
        let client = try await TestClient.connect(to: try SocketAddress(unixDomainSocketPath: path))
        await client.close()
        await second.shutdown()
        #expect(access(path, F_OK) != 0)
    }

    @Test("a server that drains leaves its path to the next one")
    func handover() async throws {
        let handler = HoldingHandler()
        let draining = Signal()
        var configuration = HTTPServerConfiguration(listeners: [.unixSocket(path: path)])
        configuration.eventLoopCount = 1
        configuration.drainTimeoutMilliseconds = 600_000
        let first = HTTPServer(
            configuration: configuration,
            logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
            handler: ClosureHandler { head, responder in
                responder.onConnectionEvent { if $0 == .draining { draining.send() } }
                return handler.receive(head, responder)
            }
        )
        try await first.start()
        let address = try SocketAddress(unixDomainSocketPath: path)
        let client = try await TestClient.connect(to: address)
        try await client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        await handler.arrived.wait()
        async let stopped: Void = first.shutdown()
        await draining.wait()
        let second = server()
        try await second.start()
        handler.answer(0, "the last")
        #expect(ReceivedResponse.parse(try await client.receiveAll()).responses.map(\.body) == ["the last"])
        await stopped
        let next = try await TestClient.connect(to: address)
        try await next.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try await next.responses(1).map(\.body) == ["GET /b "])
        for client in [client, next] { await client.close() }
        await second.shutdown()
    }
}
