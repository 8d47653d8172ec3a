import Logging
import NIOCore
import NIOEmbedded

@testable import HTTPServer

/// A connection without a socket, on an event loop whose clock the test turns.
final class EmbeddedConnection {
    let loop: EmbeddedEventLoop
    let channel: EmbeddedChannel
    let group: HTTPConnectionGroup
    let budget: HTTPBodyBudget
    let handler: any HTTPHandler
    let log = RecordingLogHandler.Storage()
    private let outputRecorder = OutputCloseRecorder()
    private var bytes: [UInt8] = []
    /// How many buffers the answers so far were written in.
    private(set) var bufferCount = 0

    init(
        limits: HTTPLimits = HTTPLimits(),
        metrics: HTTPServerMetrics = HTTPServerMetrics(),
        onExchange: (@Sendable (HTTPExchangeRecord) -> Void)? = nil,
        handler: any HTTPHandler
    ) throws {
        self.handler = handler
        self.loop = EmbeddedEventLoop()
        self.channel = EmbeddedChannel(handler: self.outputRecorder, loop: self.loop)
        self.group = HTTPConnectionGroup(eventLoop: self.loop, limits: limits, metrics: metrics)
        self.budget = HTTPBodyBudget(maximumByteCount: limits.maximumInFlightByteCount)
        try HTTPConnection.configure(
            self.channel,
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
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    deinit {
        _ = try? self.channel.finish(acceptAlreadyClosed: true)
    }

    /// The client sends this, in one read.
    func send(_ text: String) throws {
        try self.send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        guard self.channel.isActive else { return }
        try self.channel.writeInbound(ByteBuffer(bytes: bytes))
        self.loop.run()
    }

    /// The client closes its sending side.
    func closeInput() {
        self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        self.loop.run()
    }

    /// The connection breaks.
    func disconnect() {
        self.channel.close(promise: nil)
        self.loop.run()
    }

    func advance(milliseconds: Int64) {
        self.loop.advanceTime(by: .milliseconds(milliseconds))
    }

    /// All that the server has sent so far.
    func receivedBytes() throws -> [UInt8] {
        self.loop.run()
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
            self.bytes += Array(buffer.readableBytesView)
            self.bufferCount += 1
        }
        return self.bytes
    }

    func receivedText() throws -> String {
        String(decoding: try self.receivedBytes(), as: UTF8.self)
    }

    /// All whole responses so far.
    func responses(to methods: String...) throws -> [ReceivedResponse] {
        ReceivedResponse.parse(try self.receivedBytes(), methods: methods, isClosed: self.isClosed).responses
    }

    var isClosed: Bool { !self.channel.isActive }

    /// Whether the server closed its sending side and still reads.
    var isLingering: Bool { self.outputRecorder.outputIsClosed && !self.isClosed }

    var isWritable: Bool {
        get { self.channel.isWritable }
        set {
            self.channel.isWritable = newValue
            self.channel.pipeline.fireChannelWritabilityChanged()
            self.loop.run()
        }
    }

    /// How many times the server asked for more bytes.
    var readCount: Int { self.outputRecorder.readCount }
    /// How many times the server flushed.
    var flushCount: Int { self.outputRecorder.flushCount }
}

/// Notes what an embedded channel cannot do: half closure and reads.
private final class OutputCloseRecorder: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var outputIsClosed = false
    private(set) var readCount = 0
    private(set) var flushCount = 0

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        self.outputIsClosed = true
        promise?.succeed()
    }

    func read(context: ChannelHandlerContext) {
        self.readCount += 1
        context.read()
    }

    func flush(context: ChannelHandlerContext) {
        self.flushCount += 1
        context.flush()
    }
}
