import Logging
import NIOCore
import NIOHTTP1

/// The answer: from the handler to the carrier's own way of writing it.
extension HTTPExchangeCarrier {
    func respond(_ response: HTTPResponse, to exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        let action = self.machine.beginResponse(exchange, closes: response.closesConnection, hasMore: false)
        guard case .write(let closes) = action else { return }
        self.writeWhole(response, closes: closes)
        self.finishResponse(exchange)
    }

    /// Whether an answer goes without a body, whatever the handler gave.
    func isWithoutBody(_ response: HTTPResponse) -> Bool {
        self.request.isHead || response.neverHasBody
    }

    /// The length that a whole answer declares.
    func contentLength(of response: HTTPResponse) -> Int? {
        if response.neverHasBody || (self.request.isHead && response.body.readableBytes == 0) {
            return response.declaredContentLength
        }
        return response.body.readableBytes
    }

    /// Notes that the answer is written to its end.
    func endAnswer(_ exchange: UInt64) -> HTTPConnectionStateMachine.ResponseEndAction {
        let action = self.machine.endResponse(exchange)
        self.streamFraming = nil
        self.eventObserver = nil
        self.writabilityObserver = nil
        self.reservation.release()
        self.recordAnswer()
        return action
    }

    /// Counts an answer and tells the access log.
    func recordAnswer() {
        self.environment.metrics.recordAnswer(self.request.status)
        guard let onExchange = self.environment.onExchange else { return }
        let now = self.eventLoop.now
        onExchange(
            HTTPExchangeRecord(
                method: self.request.method,
                path: String(self.request.uri.requestPath),
                status: self.request.status,
                requestBodyByteCount: self.request.bodyByteCount,
                responseByteCount: self.request.responseByteCount,
                duration: now - (self.request.start ?? now),
                remoteAddress: self.remoteAddress
            )
        )
    }

    func abandon(_ exchange: UInt64) {
        self.eventLoop.assertInEventLoop()
        switch self.machine.exchange(exchange)?.response {
        case .pending:
            self.logger.error("a handler dropped its responder without an answer", metadata: self.requestMetadata)
            self.respond(HTTPRefusal.unanswered.response, to: exchange)
        case .streaming:
            self.logger.error("a handler dropped a streamed answer before its end", metadata: self.requestMetadata)
            self.closeNow()
        case .complete, nil:
            break
        }
    }

    // MARK: - Callbacks

    func observe(_ exchange: UInt64, _ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void) {
        self.eventLoop.assertInEventLoop()
        guard let current = self.machine.exchange(exchange) else {
            if !self.machine.isOpen { callback(.closed) }
            return
        }
        if current.response != .complete { self.eventObserver = callback }
    }

    func observeWritability(_ exchange: UInt64, _ callback: @escaping @Sendable () -> Void) {
        self.eventLoop.assertInEventLoop()
        if self.machine.exchange(exchange)?.response == .streaming { self.writabilityObserver = callback }
    }

    func notify(_ event: HTTPConnectionEvent) {
        self.eventObserver?(event)
    }

    func logSecondAnswer() {
        self.logger.error("a handler answered a request twice; the second answer is ignored")
    }

    private var requestMetadata: Logger.Metadata {
        ["method": "\(self.request.method?.rawValue ?? "")", "path": "\(self.request.uri.requestPath)"]
    }
}
