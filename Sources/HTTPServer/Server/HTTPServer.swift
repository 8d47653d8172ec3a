public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// A server for HTTP/1.1, and over TLS for HTTP/2, on raw NIO channels: the one front that every HTTP door of the house uses.
///
/// ```swift
/// var router = HTTPRouter()
/// router.on(.GET, "/health", HTTPResponseHandler { _ in HTTPResponse(status: .ok) })
/// let server = HTTPServer(
///     configuration: HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 8080)]),
///     logger: logger,
///     handler: router
/// )
/// try await server.run()
/// ```
public final class HTTPServer: Service {
    private enum State {
        case created
        case starting
        case running(HTTPServerRuntime)
        case stopped
    }

    private let configuration: HTTPServerConfiguration
    private let providedGroup: (any EventLoopGroup)?
    private let logger: Logger
    private let handler: any HTTPHandler
    private let state = Mutex(State.created)

    /// Creates a server that listens to nothing yet.
    ///
    /// - Parameters:
    ///   - configuration: Listeners and limits.
    ///   - eventLoopGroup: The event loops to use. They are not shut down with the server. Nil makes the server use
    ///     its own.
    ///   - logger: Gets a line when the server starts and stops, and when a handler breaks its contract. Never a
    ///     payload.
    ///   - handler: Answers the requests.
    public init(
        configuration: HTTPServerConfiguration,
        eventLoopGroup: (any EventLoopGroup)? = nil,
        logger: Logger,
        handler: any HTTPHandler
    ) {
        self.configuration = configuration
        self.providedGroup = eventLoopGroup
        self.logger = logger
        self.handler = handler
    }

    /// The addresses that are listened on, in the order of the configuration's listeners and with real ports.
    ///
    /// Empty unless the server is running.
    public var boundAddresses: [SocketAddress] {
        self.runtime?.addresses ?? []
    }

    /// Begins to listen on all listeners, and returns.
    ///
    /// When one of them fails, none is left.
    ///
    /// Throws ``HTTPServerError``.
    public func start() async throws {
        try self.state.withLock { state in
            guard case .created = state else { throw HTTPServerError.alreadyStarted }
            state = .starting
        }
        do {
            let runtime = try await HTTPServerRuntime.start(
                configuration: self.configuration,
                providedGroup: self.providedGroup,
                logger: self.logger,
                handler: self.handler
            )
            self.state.withLock { $0 = .running(runtime) }
        } catch {
            self.state.withLock { $0 = .stopped }
            throw error
        }
        self.logger.info(
            "HTTP server listens",
            metadata: ["addresses": "\(self.boundAddresses.map(\.description).joined(separator: " "))"]
        )
    }

    /// Starts if need be, and serves until a graceful shutdown, a call of ``shutdown(timeoutMilliseconds:)`` or the
    /// task's cancellation, which closes all connections at once.
    public func run() async throws {
        if case .created = self.state.withLock({ $0 }) { try await self.start() }
        guard let runtime = self.runtime else { return }
        let timeoutMilliseconds = self.configuration.drainTimeoutMilliseconds
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await runtime.waitUntilStopped()
            } onGracefulShutdown: {
                runtime.beginShutdown(timeout: .milliseconds(Int64(timeoutMilliseconds)))
            }
        } onCancel: {
            runtime.beginShutdown(timeout: .zero)
        }
        self.finish()
    }

    /// Stops accepting, closes idle connections, lets requests in flight end, and returns when all connections are
    /// closed.
    ///
    /// - Parameter timeoutMilliseconds: After this time the remaining connections are closed, answered or not. Nil
    ///   takes ``HTTPServerConfiguration/drainTimeoutMilliseconds``.
    public func shutdown(timeoutMilliseconds: Int? = nil) async {
        guard let runtime = self.runtime else { return }
        let milliseconds = timeoutMilliseconds ?? self.configuration.drainTimeoutMilliseconds
        runtime.beginShutdown(timeout: .milliseconds(Int64(milliseconds)))
        await runtime.waitUntilStopped()
        self.finish()
    }

    private var runtime: HTTPServerRuntime? {
        guard case .running(let runtime) = self.state.withLock({ $0 }) else { return nil }
        return runtime
    }

    private func finish() {
        let wasRunning = self.state.withLock { state in
            guard case .running = state else { return false }
            state = .stopped
            return true
        }
        if wasRunning { self.logger.info("HTTP server stopped") }
    }
}
