import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An HTTP/2 client over TLS on a real socket: NIO's, so that a test can open, hold and reset streams as it likes.
final class HTTP2Client: Sendable {
    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    /// What the server said of the connection's end.
    let goAways: Shared<[HTTP2ErrorCode]>

    private init(
        channel: any Channel,
        multiplexer: NIOHTTP2Handler.StreamMultiplexer,
        goAways: Shared<[HTTP2ErrorCode]>
    ) {
        self.channel = channel
        self.multiplexer = multiplexer
        self.goAways = goAways
    }

    static func connect(
        to address: SocketAddress,
        authority: String,
        windowByteCount: Int = 65_535
    ) async throws -> HTTP2Client {
        var connectionConfiguration = NIOHTTP2Handler.ConnectionConfiguration()
        connectionConfiguration.initialSettings.append(
            HTTP2Setting(parameter: .initialWindowSize, value: windowByteCount)
        )
        connectionConfiguration.targetWindowSize = windowByteCount
        var streamConfiguration = NIOHTTP2Handler.StreamConfiguration()
        streamConfiguration.targetWindowSize = windowByteCount
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        configuration.trustRoots = .file(authority)
        let context = try NIOSSLContext(configuration: configuration)
        let goAways = Shared<[HTTP2ErrorCode]>([])
        let connection = connectionConfiguration
        let stream = streamConfiguration
        let channel = try await ClientBootstrap(group: http2ClientLoops)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLClientHandler(context: context, serverHostname: "localhost"),
                        NIOHTTP2Handler(
                            mode: .client,
                            eventLoop: channel.eventLoop,
                            connectionConfiguration: connection,
                            streamConfiguration: stream
                        ) { $0.eventLoop.makeSucceededVoidFuture() },
                        GoAwayRecorder(goAways: goAways),
                    ])
                }
            }
            .connect(to: address).get()
        let multiplexer = try await channel.pipeline.handler(type: NIOHTTP2Handler.self).flatMap(\.multiplexer).get()
        return HTTP2Client(channel: channel, multiplexer: multiplexer, goAways: goAways)
    }

    /// Opens a stream; its head is still to be sent.
    func open(reads: Bool = true) async throws -> (channel: any Channel, exchange: HTTP2Exchange) {
        let exchange = HTTP2Exchange()
        let channel = try await self.multiplexer.createStreamChannel { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.syncOptions?.setOption(.autoRead, value: reads)
                try channel.pipeline.syncOperations.addHandler(exchange)
            }
        }.get()
        return (channel, exchange)
    }

    /// Sends a request and waits for the whole answer.
    func request(_ method: String, _ path: String, body: ByteBuffer? = nil) async throws -> HTTP2Exchange {
        let (channel, exchange) = try await self.open()
        channel.send(http2Request(method, path), endsStream: body == nil)
        if let body { channel.send(body, endsStream: true) }
        await exchange.waitForEnd()
        return exchange
    }

    /// Waits for the server to close.
    func waitForClose() async {
        try? await self.channel.closeFuture.get()
    }

    func close() async {
        try? await self.channel.close()
    }
}

private final class GoAwayRecorder: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTP2Frame

    private let goAways: Shared<[HTTP2ErrorCode]>

    init(goAways: Shared<[HTTP2ErrorCode]>) {
        self.goAways = goAways
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .goAway(_, let reason, _) = Self.unwrapInboundIn(data).payload { self.goAways.append(reason) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// Not the process's shared loops: a flood of requests would hold up whatever else runs on these.
private let http2ClientLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
