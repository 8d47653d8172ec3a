import Logging
import NIOCore
import NIOHTTP2

/// One HTTP/2 connection: its streams, deadlines, drain and end.
///
/// The pipeline is ``HTTP2OutputWatch``, NIO's multiplexer, this handler; requests and answers are in the streams'
/// channels, one ``HTTP2Stream`` in each.
///
/// `@unchecked Sendable`: the `let` properties are immutable and Sendable; every variable is touched on `eventLoop`
/// only.
final class HTTP2Connection: ChannelDuplexHandler, HTTPGroupMember, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum State {
        case open
        /// The client was told to open no more streams; those that it has are served.
        case draining
        /// All is written; what still arrives is dropped until the client closes too.
        case lingering
        case closed
    }

    let channel: any Channel
    let eventLoop: any EventLoop
    let handler: any HTTPHandler
    let environment: HTTPConnectionEnvironment

    private var context: ChannelHandlerContext?
    private var state = State.open
    private var streams: [HTTP2Stream] = []
    private var lastStreamID = HTTP2StreamID.rootStream
    private var inputIsClosed = false
    private var deadline = NIODeadline.distantFuture
    var positionInGroup = -1
    var writes = HTTPWriteProgress()
    /// Whether NIO has given the connection up.
    var isFailed = false

    init(channel: any Channel, handler: any HTTPHandler, environment: HTTPConnectionEnvironment) {
        self.channel = channel
        self.eventLoop = channel.eventLoop
        self.handler = handler
        self.environment = environment
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.start() }
    }

    func channelActive(context: ChannelHandlerContext) {
        self.start()
        context.fireChannelActive()
    }

    private func start() {
        guard self.environment.group.add(self) else {
            self.closeNow()
            return
        }
        self.setDeadline(milliseconds: self.environment.limits.headerTimeoutMilliseconds)
        self.readMore()
    }

    /// Frames of the connection itself are NIO's.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        self.readMore()
    }

    /// Streams ask for more here, one for all; the connection reads by itself.
    func read(context: ChannelHandlerContext) {}

    /// Reads on, unless the client does not take what it was sent: it could make the server write without end.
    private func readMore() {
        if self.channel.isWritable { self.context?.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            for stream in self.streams { stream.settle() }
            self.readMore()
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed {
            self.inputIsClosed = true
            for stream in self.streams { stream.closeInput() }
            self.endIfDone()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream has reset that stream.
        guard self.isFailed || !(error is any NIOHTTP2Error) else { return }
        self.environment.logger.debug("connection failed", metadata: ["error": "\(error)"])
        self.closeNow()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.state = .closed
        self.environment.group.remove(self)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: - Streams

    /// Takes a stream in.
    func add(_ stream: HTTP2Stream, _ identifier: HTTP2StreamID) {
        stream.positionInConnection = self.streams.count
        self.streams.append(stream)
        self.lastStreamID = max(self.lastStreamID, identifier)
        self.deadline = .distantFuture
    }

    /// Lets a stream go; the last one takes its place.
    func remove(_ stream: HTTP2Stream) {
        let position = stream.positionInConnection
        guard position >= 0, let last = self.streams.popLast() else { return }
        stream.positionInConnection = -1
        if last !== stream {
            self.streams[position] = last
            last.positionInConnection = position
        }
        guard self.streams.isEmpty else { return }
        if self.state == .open { self.setDeadline(milliseconds: self.environment.limits.idleTimeoutMilliseconds) }
        // Later, not now: this is the middle of NIO's own work.
        self.eventLoop.execute { self.endIfDone() }
    }

    // MARK: - The end

    private func setDeadline(milliseconds: Int) {
        self.deadline = self.eventLoop.now + .milliseconds(Int64(milliseconds))
    }

    func checkDeadlines(now: NIODeadline) {
        for position in self.streams.indices.reversed() where position < self.streams.count {
            self.streams[position].checkDeadlines(now: now)
        }
        if now >= self.deadline {
            if self.state == .open { self.finish() } else { self.closeNow() }
        }
        guard self.writes.mayBePending, self.state != .closed,
            let pendingByteCount = try? self.channel.syncOptions?.getOption(.bufferedWritableBytes)
        else { return }
        let timeout = self.environment.limits.writeTimeoutMilliseconds
        if self.writes.isStalled(pendingByteCount: pendingByteCount, timeoutMilliseconds: timeout, now: now) {
            self.environment.logger.debug("a client reads nothing; the connection is closed")
            self.closeNow()
        }
    }

    /// The server shuts down: an idle connection closes now, another when its streams have ended.
    func drain() {
        guard self.state == .open else { return }
        self.state = .draining
        guard !self.streams.isEmpty else {
            self.finish()
            return
        }
        self.sendGoAway(promise: nil)
        for stream in self.streams { stream.drain() }
    }

    private func endIfDone() {
        guard self.streams.isEmpty, self.state != .closed else { return }
        if self.state == .lingering {
            if self.inputIsClosed { self.closeNow() }
        } else if self.state == .draining || self.inputIsClosed {
            self.finish()
        }
    }

    /// Says goodbye, and closes when the kernel has taken all; then the client has time to close too.
    private func finish() {
        self.state = .lingering
        self.deadline = .distantFuture
        let promise = self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.outputEnded() }
        self.sendGoAway(promise: promise)
    }

    private func outputEnded() {
        guard self.state == .lingering, !self.inputIsClosed else {
            self.closeNow()
            return
        }
        self.setDeadline(milliseconds: self.environment.limits.lingerTimeoutMilliseconds)
        self.context?.close(mode: .output, promise: nil)
    }

    /// Tells the client which streams are served; those that it opened since may safely be tried elsewhere.
    private func sendGoAway(promise: EventLoopPromise<Void>?) {
        guard let context = self.context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let goAway = HTTP2Frame.FramePayload.goAway(
            lastStreamID: self.lastStreamID,
            errorCode: .noError,
            opaqueData: nil
        )
        let frame = HTTP2Frame(streamID: .rootStream, payload: goAway)
        context.writeAndFlush(Self.wrapOutboundOut(frame), promise: promise)
    }

    func closeNow() {
        self.context?.close(promise: nil)
    }
}
