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
    private let listeners: [HTTPBoundListener]
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
        listeners: [HTTPBoundListener],
        groups: [HTTPConnectionGroup],
        ownEventLoops: MultiThreadedEventLoopGroup?,
        logger: Logger
    ) {
        self.listeners = listeners
        self.groups = groups
        self.ownEventLoops = ownEventLoops
        self.logger = logger
        self.addresses = listeners.compactMap(\.channel.localAddress)
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
        let budget = HTTPBodyBudget(maximumByteCount: configuration.limits.maximumInFlightByteCount)
        let environments = groups.map { group in
            HTTPConnectionEnvironment(
                limits: configuration.limits,
                group: group,
                budget: budget,
                metrics: metrics,
                logger: logger,
                onExchange: configuration.onExchange
            )
        }
        let admission = HTTPAdmission(
            maximumConnectionCount: configuration.limits.maximumConnectionCount,
            maximumConnectionCountPerAddress: configuration.limits.maximumConnectionCountPerAddress
        )
        var listeners: [HTTPBoundListener] = []
        do {
            // One reader for all listeners with the same settings.
            var certificates: [HTTPServerTLS: HTTPServerCertificates] = [:]
            for tls in configuration.listeners.compactMap(\.tls) where certificates[tls] == nil {
                certificates[tls] = try await HTTPServerCertificates.read(tls, logger: logger)
            }
            for listener in configuration.listeners {
                let bootstrap = Self.bootstrap(
                    configuration: configuration,
                    eventLoops: eventLoops,
                    environments: environments,
                    admission: admission,
                    metrics: metrics,
                    logger: logger,
                    certificates: listener.tls.flatMap { certificates[$0] },
                    offersHTTP2: listener.tls?.offersHTTP2 ?? false,
                    handler: handler
                )
                let backlog = Int32(clamping: configuration.backlog)
                listeners.append(try await HTTPBoundListener.bind(bootstrap, listener.address, backlog: backlog))
            }
        } catch {
            for listener in listeners {
                await listener.close(eventLoops: groups.map(\.eventLoop))
            }
            try? await ownEventLoops?.shutdownGracefully()
            throw error
        }
        return HTTPServerRuntime(
            listeners: listeners,
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
        metrics: HTTPServerMetrics,
        logger: Logger,
        certificates: HTTPServerCertificates?,
        offersHTTP2: Bool,
        handler: any HTTPHandler
    ) -> ServerBootstrap {
        var bootstrap = ServerBootstrap(group: eventLoops)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // At first; `HTTPAcceptGate` changes it with the room that there is.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        HTTPAcceptGate(admission: admission, metrics: metrics, logger: logger)
                    )
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
                    if offersHTTP2 {
                        let selector = HTTPProtocolSelector(handler: handler, environment: environment)
                        try channel.pipeline.syncOperations.addHandler(selector)
                    } else {
                        try HTTPConnection.configure(channel, handler: handler, environment: environment)
                    }
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

    /// Stops accepting and drains all connections; those that are left after `timeout` are closed.
    ///
    /// Returns at once. A second call can shorten the timeout.
    func beginShutdown(timeout: TimeAmount) {
        let isFirst = !self.isStopping.exchange(true, ordering: .relaxed)
        if isFirst {
            for listener in self.listeners { listener.giveUpPath() }
        }
        guard isFirst else {
            guard !self.stopped.isSet else { return }
            for group in self.groups { _ = group.drain(timeout: timeout) }
            return
        }
        Task {
            // Who was let in until then is in a group, and is answered.
            for listener in self.listeners { await listener.close(eventLoops: self.groups.map(\.eventLoop)) }
            for group in self.groups.map({ $0.drain(timeout: timeout) }) { try? await group.get() }
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
