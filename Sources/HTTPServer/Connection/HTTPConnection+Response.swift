import Logging
import NIOCore
import NIOHTTP1

/// The answer: from the handler to the channel.
extension HTTPConnection {
    var remoteAddress: SocketAddress? { self.channel.remoteAddress }
    var isOpen: Bool { self.channel.isActive }
    var isWritable: Bool { self.channel.isActive && self.channel.isWritable }

    // MARK: - Whole answers

    func writeWhole(_ response: HTTPResponse, closes: Bool) {
        let length = self.contentLength(of: response)
        self.writeHead(response, framing: length.map(HTTPResponseFraming.length) ?? .none, closes: closes)
        if !self.isWithoutBody(response) { self.writePart(response.body) }
        self.needsFlush = true
        if self.outbound.readableBytes >= Self.maximumOutboundByteCount { self.flushIfNeeded() }
    }

    private func writeHead(_ response: HTTPResponse, framing: HTTPResponseFraming, closes: Bool) {
        self.prepareOutbound()
        let start = self.outbound.readableBytes
        self.outbound.writeHead(
            response,
            framing: framing,
            connection: closes ? .close : self.request.isVersion10 ? .keepAlive : .none,
            date: self.environment.group.dateLine
        )
        self.request.status = response.status
        self.request.responseByteCount += self.outbound.readableBytes - start
    }

    /// The answer is written to its end: goes on with the next request, or closes.
    func finishResponse(_ exchange: UInt64) {
        switch self.endAnswer(exchange) {
        case .next:
            break
        case .discardBody:
            _ = self.takeConsumer()
        case .close:
            // More input than the request: without lingering, the kernel would answer it with a reset.
            self.closeAfterFlush(lingers: !self.inputIsEmpty)
        case .linger:
            _ = self.takeConsumer()
            self.closeAfterFlush(lingers: true)
        case .drop:
            return
        }
        self.pump()
        self.settleUnlessReading()
    }

    // MARK: - Answers in parts

    func begin(_ head: HTTPResponse, to exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        let isWithoutBody = self.isWithoutBody(head)
        let declaredLength = head.declaredContentLength
        let endsWithConnection = !isWithoutBody && declaredLength == nil && self.request.isVersion10
        let action = self.machine.beginResponse(
            exchange,
            closes: head.closesConnection || endsWithConnection,
            hasMore: true
        )
        guard case .write(let closes) = action else { return }
        let framing: HTTPResponseFraming
        if let declaredLength {
            framing = .length(declaredLength)
        } else if isWithoutBody {
            framing = .none
        } else {
            framing = self.request.isVersion10 ? .untilClose : .chunked
        }
        self.writeHead(head, framing: framing, closes: closes)
        self.streamFraming = isWithoutBody ? .bodyless : HTTPStreamFraming(framing)
        self.needsFlush = true
        if head.body.readableBytes > 0 { self.write(head.body, to: exchange, promise: nil) }
        self.settleUnlessReading()
    }

    func write(_ part: ByteBuffer, to exchange: UInt64, promise: EventLoopPromise<Void>?) {
        self.eventLoop.assertInEventLoop()
        guard self.machine.exchange(exchange)?.response == .streaming, let action = self.streamFraming?.write(part)
        else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        self.prepareOutbound()
        switch action {
        case .chunk where part.readableBytes > 0:
            self.outbound.writeNumber(part.readableBytes, radix: 16)
            self.outbound.writeStaticString("\r\n")
            self.writePart(part)
            self.prepareOutbound()
            self.outbound.writeStaticString("\r\n")
        case .plain:
            self.writePart(part)
        case .chunk, .nothing:
            break
        case .tooMuch:
            self.logger.error("a streamed answer is longer than its declared length; the connection is closed")
            promise?.fail(ChannelError.ioOnClosedChannel)
            self.closeNow()
            return
        }
        self.needsFlush = true
        if promise != nil { self.sendOutbound(promise) }
        self.settleUnlessReading()
    }

    func end(_ exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        guard self.machine.exchange(exchange)?.response == .streaming, let framing = self.streamFraming else { return }
        switch framing.end() {
        case .lastChunk:
            self.prepareOutbound()
            self.outbound.writeStaticString("0\r\n\r\n")
            self.request.responseByteCount += 5
        case .nothing:
            break
        case .tooLittle:
            self.logger.error("a streamed answer is shorter than its declared length; the connection is closed")
            self.closeNow()
            return
        }
        self.needsFlush = true
        self.finishResponse(exchange)
    }

    // MARK: - Callbacks and back-pressure

    func pauseBody(_ exchange: UInt64, _ isPaused: Bool) {
        self.eventLoop.assertInEventLoop()
        self.machine.pauseBody(exchange, isPaused)
        if !isPaused { self.pump() }
        self.settleUnlessReading()
    }
}
