import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Testing

/// Runs a server on a free port while `body` runs.
///
/// Its timeouts are so long that no busy machine reaches them; a test of a timeout sets that one.
func withServer(
    handler: any HTTPHandler,
    listeners: [HTTPListener] = [.tcp(host: "127.0.0.1", port: 0)],
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    log: RecordingLogHandler.Storage = RecordingLogHandler.Storage(),
    _ body: (HTTPServer, SocketAddress) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(listeners: listeners)
    configuration.eventLoopCount = 1
    configuration.limits = .patient
    configure(&configuration)
    let server = HTTPServer(configuration: configuration, logger: RecordingLogHandler.logger(log), handler: handler)
    try await server.start()
    let address = try #require(server.boundAddresses.first)
    do {
        try await body(server, address)
    } catch {
        await server.shutdown(timeoutMilliseconds: 0)
        throw error
    }
    await server.shutdown(timeoutMilliseconds: 0)
}

extension HTTPLimits {
    /// The default limits, with ten minutes for everything.
    static var patient: HTTPLimits {
        var limits = HTTPLimits()
        limits.headerTimeoutMilliseconds = 600_000
        limits.idleTimeoutMilliseconds = 600_000
        limits.requestTimeoutMilliseconds = 600_000
        limits.bodyIdleTimeoutMilliseconds = 600_000
        limits.minimumRateGraceMilliseconds = 600_000
        limits.writeTimeoutMilliseconds = 600_000
        limits.lingerTimeoutMilliseconds = 600_000
        return limits
    }
}

/// Something a test waits for.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (self.stream, self.continuation) = AsyncStream.makeStream()
    }

    func send() {
        self.continuation.yield()
    }

    /// Waits until it was sent so many times.
    func wait(_ count: Int = 1) async {
        var iterator = self.stream.makeAsyncIterator()
        for _ in 0..<count { _ = await iterator.next() }
    }
}
