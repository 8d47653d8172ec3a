import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What a running server consists of: listeners, event loops and their connections.
final class HTTPServerRuntime: Sendable {
    private let listeners: [any Channel]
    private let socketPaths: [String]
    private let groups: [HTTPConnectionGroup]
    /// Shut down with the server.
    ///
    /// Nil when the event loops are somebody else's.
    private let ownEventLoops: MultiThreadedEventLoopGroup?
    private let logger: Logger
    private let isStopping = Atomic(false)
    private let stopped = HTTPStopSignal()

    let addresses: [SocketAddress]

    private init(
        listeners: [any Channel],
        socketPaths: [String],
        groups: [HTTPConnectionGroup],
        ownEventLoops: MultiThreadedEventLoopGroup?,
        logger: Logger
    ) {
        self.listeners = listeners
        self.socketPaths = socketPaths
        self.groups = groups
        self.ownEventLoops = ownEventLoops
        self.logger = logger
        self.addresses = listeners.compactMap(\.localAddress)
    }

    // A client that leaves while it is written to raises SIGPIPE. NIO ignores that signal for the whole process from
    // the first socket it makes (`BaseSocket.ignoreSIGPIPE`), so nothing is to be done here.

    /// Listens on all of the configuration's listeners.
    ///
    /// When one of them fails, the others are closed again.
    static func start(
        configuration: HTTPServerConfiguration,
        providedGroup: (any EventLoopGroup)?,
        logger: Logger,
        handler: any HTTPHandler
    ) async throws -> HTTPServerRuntime {
        guard !configuration.listeners.isEmpty else { throw HTTPServerError.noListener }
        let ownEventLoops =
            providedGroup == nil
            ? MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount ?? System.coreCount)
            : nil
        let eventLoops: any EventLoopGroup = providedGroup ?? ownEventLoops ?? MultiThreadedEventLoopGroup.singleton
        let metrics = HTTPServerMetrics()
        let groups = eventLoops.makeIterator().map { eventLoop in
            HTTPConnectionGroup(eventLoop: eventLoop, limits: configuration.limits, metrics: metrics)
        }
        let environments = groups.map { group in
            HTTPConnectionEnvironment(
                limits: configuration.limits,
                group: group,
                metrics: metrics,
                logger: logger,
                onExchange: configuration.onExchange
            )
        }
        let admission = HTTPAdmission(maximumConnectionCount: configuration.limits.maximumConnectionCount)
        func bootstrap(_ certificates: HTTPServerCertificates?) -> ServerBootstrap {
            Self.bootstrap(
                configuration: configuration,
                eventLoops: eventLoops,
                environments: environments,
                admission: admission,
                certificates: certificates,
                handler: handler
            )
        }
        var listeners: [any Channel] = []
        var socketPaths: [String] = []
        do {
            let certificates = try await HTTPServerCertificates.read(configuration.tls, logger: logger)
            for address in configuration.listeners {
                switch address {
                case .tcp: listeners.append(try await Self.bind(bootstrap(certificates), address))
                case .unixSocket(let path):
                    listeners.append(try await Self.bind(bootstrap(nil), address))
                    socketPaths.append(path)
                }
            }
        } catch {
            for listener in listeners { try? await listener.close() }
            for path in socketPaths { unlink(path) }
            try? await ownEventLoops?.shutdownGracefully()
            throw error
        }
        return HTTPServerRuntime(
            listeners: listeners,
            socketPaths: socketPaths,
            groups: groups,
            ownEventLoops: ownEventLoops,
            logger: logger
        )
    }

    private static func bootstrap(
        configuration: HTTPServerConfiguration,
        eventLoops: any EventLoopGroup,
        environments: [HTTPConnectionEnvironment],
        admission: HTTPAdmission,
        certificates: HTTPServerCertificates?,
        handler: any HTTPHandler
    ) -> ServerBootstrap {
        var bootstrap = ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One connection for each look at the number of connections.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(HTTPAcceptGate(admission: admission))
                }
            }
            // The connection reads when it has a use for more, one buffer at a time.
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                @Sendable func configure(_ context: NIOSSLContext?) throws {
                    guard let environment = environments.first(where: { $0.group.eventLoop === channel.eventLoop })
                    else { throw ChannelError.inappropriateOperationForState }
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try HTTPConnection.configure(channel, handler: handler, environment: environment)
                }
                guard let certificates else {
                    return channel.eventLoop.makeCompletedFuture { try configure(nil) }
                }
                return certificates.context(on: channel.eventLoop).flatMapThrowing { try configure($0) }
            }
        if configuration.reusesPort {
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .socket, name: .init(rawValue: SO_REUSEPORT)),
                value: 1
            )
        }
        return bootstrap
    }

    private static func bind(_ bootstrap: ServerBootstrap, _ address: HTTPListenerAddress) async throws -> any Channel {
        do {
            switch address {
            case .tcp(let host, let port):
                return try await bootstrap.bind(host: host, port: port).get()
            case .unixSocket(let path):
                let channel = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
                    .get()
                guard chmod(path, 0o660) == 0 else {
                    let error = IOError(errnoCode: errno, reason: "chmod")
                    try? await channel.close()
                    throw error
                }
                return channel
            }
        } catch {
            throw HTTPServerError.bindFailed(address, cause: error)
        }
    }

    /// Stops accepting and drains all connections; those that are left after `timeout` are closed.
    ///
    /// Returns at once. A second call can shorten the timeout.
    func beginShutdown(timeout: TimeAmount) {
        let isFirst = !self.isStopping.exchange(true, ordering: .relaxed)
        if isFirst {
            for listener in self.listeners { listener.close(promise: nil) }
        }
        guard isFirst || !self.stopped.isSet else { return }
        let drained = self.groups.map { $0.drain(timeout: timeout) }
        guard isFirst else { return }
        Task {
            for listener in self.listeners { try? await listener.closeFuture.get() }
            for group in drained { try? await group.get() }
            for path in self.socketPaths { unlink(path) }
            do {
                try await self.ownEventLoops?.shutdownGracefully()
            } catch {
                self.logger.error("event loops did not shut down", metadata: ["error": "\(error)"])
            }
            self.stopped.set()
        }
    }

    /// Returns when the server has stopped.
    func waitUntilStopped() async {
        await self.stopped.wait()
    }
}

/// Something that happens once, and those who wait for it.
final class HTTPStopSignal: Sendable {
    private enum State {
        case pending([CheckedContinuation<Void, Never>])
        case set
    }

    private let state = Mutex(State.pending([]))

    var isSet: Bool {
        self.state.withLock { if case .set = $0 { true } else { false } }
    }

    func set() {
        // Swapped rather than returned under a `defer` that resets it, which Swift 6.3.1 miscompiles with -O.
        var last = State.set
        self.state.withLock { swap(&$0, &last) }
        guard case .pending(let waiting) = last else { return }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isSet = self.state.withLock { state in
                guard case .pending(let waiting) = state else { return true }
                state = .pending(waiting + [continuation])
                return false
            }
            if isSet { continuation.resume() }
        }
    }
}
