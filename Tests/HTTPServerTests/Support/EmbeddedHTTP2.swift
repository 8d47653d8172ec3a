import Logging
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2

@testable import HTTPServer

/// An HTTP/2 connection without a socket, with NIO's client at its other end, on an event loop whose clock the test
/// turns.
final class EmbeddedHTTP2 {
    let loop = EmbeddedEventLoop()
    let server: EmbeddedChannel
    let client: EmbeddedChannel
    let group: HTTPConnectionGroup
    let budget: HTTPBodyBudget
    let log = RecordingLogHandler.Storage()
    private let reads = ReadCounter()
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    /// What the client sees of the connection.
    let frames = Shared<[String]>([])

    init(
        limits: HTTPLimits = HTTPLimits(),
        metrics: HTTPServerMetrics = HTTPServerMetrics(),
        onExchange: (@Sendable (HTTPExchangeRecord) -> Void)? = nil,
        clientValidates: Bool = false,
        handler: any HTTPHandler
    ) throws {
        self.group = HTTPConnectionGroup(eventLoop: self.loop, limits: limits, metrics: metrics)
        self.budget = HTTPBodyBudget(maximumByteCount: limits.maximumInFlightByteCount)
        self.server = EmbeddedChannel(handler: self.reads, loop: self.loop)
        self.client = EmbeddedChannel(loop: self.loop)
        try HTTP2Connection.configure(
            self.server,
            handler: handler,
            environment: HTTPConnectionEnvironment(
                limits: limits,
                group: self.group,
                budget: self.budget,
                metrics: metrics,
                logger: RecordingLogHandler.logger(self.log),
                onExchange: onExchange
            )
        )
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        // The tests send what no honest client would.
        configuration.headerBlockValidation = clientValidates ? .enabled : .disabled
        configuration.contentLengthValidation = clientValidates ? .enabled : .disabled
        let handler = NIOHTTP2Handler(
            mode: .client,
            eventLoop: self.loop,
            connectionConfiguration: configuration
        ) { $0.eventLoop.makeSucceededVoidFuture() }
        try self.client.pipeline.syncOperations.addHandlers([handler, FrameRecorder(frames: self.frames)])
        self.multiplexer = try handler.syncMultiplexer()
        try self.server.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try self.client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 2)).wait()
        try self.run()
    }

    deinit {
        _ = try? self.client.finish(acceptAlreadyClosed: true)
        _ = try? self.server.finish(acceptAlreadyClosed: true)
    }

    /// Carries bytes in both directions until there are none.
    func run() throws {
        var isBusy = true
        while isBusy {
            isBusy = false
            self.loop.run()
            while let data = try self.client.readOutbound(as: IOData.self) {
                isBusy = true
                if self.server.isActive, case .byteBuffer(let bytes) = data { try self.server.writeInbound(bytes) }
            }
            while let data = try self.server.readOutbound(as: IOData.self) {
                isBusy = true
                if self.client.isActive, case .byteBuffer(let bytes) = data { _ = try? self.client.writeInbound(bytes) }
            }
        }
    }

    /// Opens a stream; its head is still to be sent.
    func open(reads: Bool = true) throws -> (channel: any Channel, exchange: HTTP2Exchange) {
        let exchange = HTTP2Exchange()
        let promise = self.loop.makePromise(of: (any Channel).self)
        self.multiplexer.createStreamChannel(promise: promise) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.syncOptions?.setOption(.autoRead, value: reads)
                try channel.pipeline.syncOperations.addHandler(exchange)
            }
        }
        self.loop.run()
        return (try promise.futureResult.wait(), exchange)
    }

    /// Sends a whole request and returns what came back so far.
    @discardableResult
    func request(_ headers: HPACKHeaders, _ body: String? = nil) throws -> HTTP2Exchange {
        let (channel, exchange) = try self.open()
        channel.send(headers, endsStream: body == nil)
        if let body { channel.send(body, endsStream: true) }
        try self.run()
        return exchange
    }

    func advance(milliseconds: Int64) throws {
        // In small steps: both sides may answer one another in between.
        var rest = milliseconds
        while rest > 0 {
            self.loop.advanceTime(by: .milliseconds(min(100, rest)))
            try self.run()
            rest -= 100
        }
    }

    /// How many times the server asked for more bytes.
    var readCount: Int { self.reads.count }

    var isWritable: Bool {
        get { self.server.isWritable }
        set {
            self.server.isWritable = newValue
            self.server.pipeline.fireChannelWritabilityChanged()
            self.loop.run()
        }
    }

    var isClosed: Bool { !self.server.isActive }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = IOData

    private(set) var count = 0

    func read(context: ChannelHandlerContext) {
        self.count += 1
        context.read()
    }
}

/// Notes the frames of the connection itself.
private final class FrameRecorder: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let frames: Shared<[String]>

    init(frames: Shared<[String]>) {
        self.frames = frames
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .goAway(let last, let reason, _) = Self.unwrapInboundIn(data).payload {
            self.frames.append("GOAWAY \(Int(last)) \(reason.networkCode)")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
