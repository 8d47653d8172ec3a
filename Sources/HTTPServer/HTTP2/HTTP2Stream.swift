import Logging
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// One stream of an HTTP/2 connection: one request and its answer.
///
/// It is an ``HTTPConnectionStateMachine`` for a single exchange, whose connection is the stream.
///
/// `@unchecked Sendable`: the `let` properties are immutable and Sendable; every variable is touched on `eventLoop`
/// only, which each method that is called from outside the pipeline asserts or arranges.
final class HTTP2Stream: ChannelInboundHandler, HTTPExchangeCarrier, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    let channel: any Channel
    let eventLoop: any EventLoop
    private let connection: HTTP2Connection
    private(set) var context: ChannelHandlerContext?

    /// Frames that wait while the body's receiver asks for a pause: no more than the window for a body.
    private var queue = CircularBuffer<HTTP2Frame.FramePayload>()
    private var isTaking = false
    /// Whether the client has sent all of its request.
    private(set) var inputHasEnded = false
    private var fieldCount: Int?

    var machine: HTTPConnectionStateMachine
    var request = HTTPRequestSummary()
    var consumer = HTTPBodyConsumer.none
    var body = HTTPBodyAssembly()
    var reservation: HTTPBodyReservation
    var streamFraming: HTTPStreamFraming?
    var eventObserver: (@Sendable (HTTPConnectionEvent) -> Void)?
    var writabilityObserver: (@Sendable () -> Void)?

    private var deadlines: HTTPConnectionDeadlines
    private var writes = HTTPWriteProgress()
    private var sentByteCount = 0
    var needsFlush = false
    /// Where the connection keeps this stream.
    var positionInConnection = -1

    init(channel: any Channel, connection: HTTP2Connection) {
        self.channel = channel
        self.eventLoop = channel.eventLoop
        self.connection = connection
        let limits = connection.environment.limits
        self.machine = HTTPConnectionStateMachine(maximumDiscardedByteCount: limits.maximumDiscardedByteCount)
        self.deadlines = HTTPConnectionDeadlines(limits: limits)
        self.reservation = HTTPBodyReservation(connection.environment.budget)
    }

    var handler: any HTTPHandler { self.connection.handler }
    var environment: HTTPConnectionEnvironment { self.connection.environment }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        let identifier = try? context.channel.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
        self.connection.add(self, identifier ?? .rootStream)
        self.settle()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let payload = Self.unwrapInboundIn(data)
        if self.queue.isEmpty && self.machine.acceptsInput {
            self.isTaking = true
            self.take(payload)
            self.isTaking = false
        } else {
            self.queue.append(payload)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard self.isWritable else { return }
        self.writabilityObserver?()
        self.settle()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client has reset the stream, or NIO has. The channel becomes inactive.
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.machine.close()
        self.connection.remove(self)
        self.queue.removeAll()
        self.endBody(.disconnected)
        self.reservation.release()
        self.notify(.closed)
        self.eventObserver = nil
        self.writabilityObserver = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: - The request

    var inputIsEmpty: Bool { self.queue.isEmpty }

    private func take(_ payload: HTTP2Frame.FramePayload) {
        switch payload {
        case .headers(let headers):
            self.inputHasEnded = headers.endStream
            if self.fieldCount == nil {
                self.fieldCount = headers.headers.count
                self.takeHead(headers.headers)
            } else {
                self.takeTrailers(headers.headers)
            }
            if headers.endStream { self.takeEnd() }
        case .data(let data):
            self.inputHasEnded = data.endStream
            if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 { self.takeBody(bytes) }
            if data.endStream { self.takeEnd() }
        case .alternativeService, .goAway, .origin, .ping, .priority, .pushPromise, .rstStream, .settings,
            .windowUpdate:
            break
        }
    }

    private func takeHead(_ fields: HPACKHeaders) {
        var head: HTTPRequestHead?
        do throws(HTTPRefusal) {
            let read = try HTTPRequestHead(fields)
            head = read
            let limits = self.environment.limits
            self.takeHead(read, try HTTPRequestFraming(read, limits: limits, bodyFollows: !self.inputHasEnded))
        } catch {
            self.refuse(error, head: head)
        }
    }

    private func takeTrailers(_ fields: HPACKHeaders) {
        let limits = self.environment.limits
        let count = (self.fieldCount ?? 0) + fields.count
        if count > limits.maximumHeaderFieldCount || fields.byteCount > limits.maximumHeaderByteCount {
            self.refuse(.fieldsTooLarge)
        }
    }

    func pauseBody(_ exchange: UInt64, _ isPaused: Bool) {
        self.eventLoop.assertInEventLoop()
        self.machine.pauseBody(exchange, isPaused)
        if !self.isTaking { self.settle() }
    }

    /// What remains to be done when frames, or an event outside of them, have been handled.
    func settle() {
        guard !self.isTaking else { return }
        self.isTaking = true
        while self.machine.acceptsInput, let payload = self.queue.popFirst() { self.take(payload) }
        self.isTaking = false
        if self.needsFlush {
            self.needsFlush = false
            self.context?.flush()
        }
        if self.machine.isAnswering { self.deadlines.update(self.machine, eventLoop: self.eventLoop) }
        if self.wantsInput && self.queue.isEmpty && self.machine.acceptsInput { self.context?.read() }
    }

    /// Whether more of the request is of any use.
    ///
    /// No request is taken from a client that does not take its answers, and none of its rest after the answer.
    private var wantsInput: Bool {
        self.fieldCount == nil ? self.connection.channel.isWritable : self.machine.isAnswering
    }

    // MARK: - The connection's events

    func checkDeadlines(now: NIODeadline) {
        if self.machine.isAnswering,
            self.deadlines.isExpired(bodyByteCount: self.request.bodyByteCount, now: now)
        {
            self.expire()
            self.settle()
        }
        guard self.writes.mayBePending, self.machine.isOpen else { return }
        let pending = self.writes.writtenByteCount - self.sentByteCount
        let timeout = self.environment.limits.writeTimeoutMilliseconds
        if self.writes.isStalled(pendingByteCount: pending, timeoutMilliseconds: timeout, now: now) {
            self.logger.debug("a client reads nothing of a stream; it is reset")
            self.reset(.cancel)
        }
    }

    /// The server shuts down.
    func drain() {
        if self.machine.isInExchange, self.machine.drain() == .notify { self.notify(.draining) }
    }

    /// The client sends nothing more, on no stream.
    func closeInput() {
        if self.inputHasEnded {
            self.notify(.inputClosed)
        } else {
            self.refuse(.truncated)
            self.settle()
        }
    }

    // MARK: - Frames

    /// Writes a frame.
    ///
    /// Nothing is flushed.
    func write(_ payload: HTTP2Frame.FramePayload, byteCount: Int = 0, promise: EventLoopPromise<Void>?) {
        guard let context = self.context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        self.needsFlush = true
        guard byteCount > 0 else {
            context.write(Self.wrapOutboundOut(payload), promise: promise)
            return
        }
        self.writes.writtenByteCount += byteCount
        let promise = promise ?? self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.sentByteCount += byteCount }
        context.write(Self.wrapOutboundOut(payload), promise: promise)
    }

    /// Ends the stream at once, and tells the client why.
    func reset(_ reason: HTTP2ErrorCode) {
        guard self.channel.isActive else { return }
        self.write(.rstStream(reason), promise: nil)
        self.needsFlush = false
        self.context?.flush()
    }
}
