import Logging
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2

/// The answer: frames of the stream.
extension HTTP2Stream {
    /// The largest frame that every client takes.
    private static let maximumFrameByteCount = 16 * 1024

    var remoteAddress: SocketAddress? { self.channel.remoteAddress }
    var isOpen: Bool { self.channel.isActive }
    var isWritable: Bool { self.channel.isActive && self.channel.isWritable }

    func sendContinue() {
        self.write(.headers(.init(headers: [":status": "100"])), promise: nil)
    }

    // MARK: - Whole answers

    func writeWhole(_ response: HTTPResponse, closes: Bool) {
        let hasBody = !self.isWithoutBody(response) && response.body.readableBytes > 0
        self.writeHead(response, contentLength: self.contentLength(of: response), endsStream: !hasBody)
        if hasBody { self.writeData(response.body, endsStream: true, promise: nil) }
    }

    private func writeHead(_ response: HTTPResponse, contentLength: Int?, endsStream: Bool) {
        let headers = HPACKHeaders(response, contentLength: contentLength, date: self.environment.group.dateText)
        self.request.status = response.status
        self.request.responseByteCount += headers.byteCount
        self.write(
            .headers(.init(headers: headers, endStream: endsStream)),
            promise: endsStream ? self.endPromise() : nil
        )
    }

    /// Writes a part of a body, in frames; `promise` completes with the last.
    private func writeData(_ part: ByteBuffer, endsStream: Bool, promise: EventLoopPromise<Void>?) {
        self.request.responseByteCount += part.readableBytes
        var rest = part
        repeat {
            let byteCount = min(rest.readableBytes, Self.maximumFrameByteCount)
            guard let slice = rest.readSlice(length: byteCount) else { return }
            let isLast = rest.readableBytes == 0
            let framePromise = isLast ? endsStream ? self.endPromise() : promise : nil
            let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(slice), endStream: isLast && endsStream)
            self.write(.data(data), byteCount: byteCount, promise: framePromise)
        } while rest.readableBytes > 0
    }

    /// Completes when the end of the answer is out.
    ///
    /// What the client still sends of its request is not wanted then; a reset before would overtake the answer.
    private func endPromise() -> EventLoopPromise<Void> {
        let promise = self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenSuccess {
            if !self.inputHasEnded { self.reset(.noError) }
        }
        return promise
    }

    func finishResponse(_ exchange: UInt64) {
        switch self.endAnswer(exchange) {
        case .discardBody, .linger: _ = self.takeConsumer()
        case .next, .close, .drop: break
        }
        self.settle()
    }

    // MARK: - Answers in parts

    func begin(_ head: HTTPResponse, to exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        let action = self.machine.beginResponse(exchange, closes: false, hasMore: true)
        guard case .write = action else { return }
        let declaredLength = head.declaredContentLength
        self.writeHead(head, contentLength: declaredLength, endsStream: false)
        if self.isWithoutBody(head) {
            self.streamFraming = .bodyless
        } else {
            self.streamFraming = declaredLength.map { .length(remaining: $0) } ?? .chunked
        }
        if head.body.readableBytes > 0 { self.write(head.body, to: exchange, promise: nil) }
        self.settle()
    }

    func write(_ part: ByteBuffer, to exchange: UInt64, promise: EventLoopPromise<Void>?) {
        self.eventLoop.assertInEventLoop()
        guard self.machine.exchange(exchange)?.response == .streaming, let action = self.streamFraming?.write(part)
        else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch action {
        case .chunk where part.readableBytes > 0, .plain where part.readableBytes > 0:
            self.writeData(part, endsStream: false, promise: promise)
        case .chunk, .plain, .nothing:
            promise?.succeed()
        case .tooMuch:
            self.logger.error("a streamed answer is longer than its declared length; the stream is reset")
            promise?.fail(ChannelError.ioOnClosedChannel)
            self.closeNow()
        }
        self.settle()
    }

    func end(_ exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        guard self.machine.exchange(exchange)?.response == .streaming, let framing = self.streamFraming else { return }
        guard framing.end() != .tooLittle else {
            self.logger.error("a streamed answer is shorter than its declared length; the stream is reset")
            self.closeNow()
            return
        }
        self.write(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)), promise: self.endPromise())
        self.finishResponse(exchange)
    }

    // MARK: - The end

    /// The end of an answer is the end of its stream.
    func closeAfterFlush(lingers: Bool) {}

    func closeNow() {
        self.reset(.internalError)
    }
}
