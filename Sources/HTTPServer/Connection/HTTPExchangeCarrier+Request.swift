import NIOCore
import NIOHTTP1

/// The request: from its parts to the handler.
extension HTTPExchangeCarrier {
    func takeHead(_ head: HTTPRequestHead, _ framing: HTTPRequestFraming) {
        guard case .deliver(let exchange) = self.machine.receiveHead(framing) else { return }
        self.request = HTTPRequestSummary(
            head: head,
            framing: framing,
            start: self.environment.onExchange == nil ? nil : self.eventLoop.now
        )
        let responder = HTTPResponder(sink: self, exchange: exchange)
        switch self.handler.receive(head, responder) {
        case .ignore:
            _ = self.machine.planBody(.discard)
        case .stream(let maximumByteCount, let receiver):
            self.planBody(.stream(receiver), maximumByteCount: maximumByteCount)
        case .collect(let maximumByteCount, let failure, let then):
            let consumer = HTTPBodyConsumer.collect(
                HTTPBodyCollection(responder: responder, failure: failure, then: then)
            )
            if case .unsupported(let name) = framing.contentEncoding, framing.hasBody, self.machine.responseIsPending {
                self.failBody(.unsupportedEncoding(name), of: consumer)
            } else if let byteCount = framing.contentLength, !self.hasRoom(for: byteCount, maximumByteCount) {
                self.failBody(.overloaded, of: consumer)
            } else {
                self.planBody(consumer, maximumByteCount: maximumByteCount)
            }
        }
    }

    /// Whether a body of that length may be gathered now, as far as its length allows it at all.
    private func hasRoom(for byteCount: Int, _ maximumByteCount: Int?) -> Bool {
        byteCount > maximumByteCount ?? self.environment.limits.maximumBodyByteCount
            || !self.machine.responseIsPending || self.environment.budget.hasRoom(for: byteCount)
    }

    private func planBody(_ consumer: HTTPBodyConsumer, maximumByteCount: Int?) {
        let maximumByteCount = maximumByteCount ?? self.environment.limits.maximumBodyByteCount
        self.body = HTTPBodyAssembly(
            expectedByteCount: self.request.contentLength ?? 0,
            maximumByteCount: maximumByteCount
        )
        var isStreamed = false
        if case .stream = consumer { isStreamed = true }
        switch self.machine.planBody(.take(maximumByteCount: maximumByteCount, isStreamed: isStreamed)) {
        case .proceed:
            self.consumer = consumer
        case .discard:
            break
        case .sendContinue:
            self.consumer = consumer
            self.sendContinue()
        case .refuseTooLarge:
            self.failBody(.tooLarge(maximumByteCount: maximumByteCount), of: consumer)
        }
    }

    func takeBody(_ bytes: ByteBuffer) {
        self.request.bodyByteCount += bytes.readableBytes
        switch self.machine.receiveBody(byteCount: bytes.readableBytes) {
        case .deliver:
            switch self.consumer {
            case .collect:
                if self.reservation.grow(by: bytes.readableBytes) {
                    self.body.append(bytes)
                } else {
                    self.failBody(.overloaded, of: self.takeConsumer())
                }
            case .stream(let receiver):
                receiver.receive(bytes)
            case .none:
                break
            }
        case .drop:
            break
        case .refuseTooLarge:
            self.failBody(.tooLarge(maximumByteCount: self.body.maximumByteCount), of: self.takeConsumer())
        case .close:
            self.closeAfterFlush(lingers: true)
        }
    }

    func takeEnd() {
        var consumer = HTTPBodyConsumer.none
        swap(&consumer, &self.consumer)
        switch self.machine.receiveEnd() {
        case .deliver:
            switch consumer {
            case .collect(let collection): self.finish(collection)
            case .stream(let receiver): receiver.finish()
            case .none: break
            }
        case .close:
            self.closeAfterFlush(lingers: !self.inputIsEmpty)
        case .drop, .next:
            break
        }
    }

    private func finish(_ collection: HTTPBodyCollection) {
        let body = self.body.take()
        do throws(HTTPBodyFailure) {
            let decoded = try self.request.contentEncoding.decode(
                body,
                maximumByteCount: self.body.maximumByteCount,
                maximumRatio: self.environment.limits.maximumInflationRatio
            )
            if self.request.contentEncoding != .identity, !self.reservation.grow(by: decoded.readableBytes) {
                throw .overloaded
            }
            collection.then(decoded, collection.responder)
        } catch {
            self.failBody(error, of: .collect(collection))
        }
    }

    /// The body cannot be had: the answer is not the one that the handler wanted to give.
    private func failBody(_ failure: HTTPBodyFailure, of consumer: HTTPBodyConsumer) {
        if case .stream(let receiver) = consumer { receiver.fail(failure) }
        guard self.machine.responseIsPending else {
            // A streamed answer has begun. Cut off, it tells the client that something went wrong.
            self.closeNow()
            return
        }
        self.machine.discardBody()
        switch consumer {
        case .collect(let collection): collection.fail(failure)
        case .stream, .none: self.respond(failure.response(), to: self.machine.exchangeCount)
        }
    }

    /// Tells a receiver that no more will come.
    func endBody(_ failure: HTTPBodyFailure) {
        if case .stream(let receiver) = self.takeConsumer() { receiver.fail(failure) }
    }

    func takeConsumer() -> HTTPBodyConsumer {
        let consumer = self.consumer
        self.consumer = .none
        self.body = HTTPBodyAssembly()
        return consumer
    }

    /// The input cannot be understood, is too large, or came too late.
    func refuse(_ refusal: HTTPRefusal, head: HTTPRequestHead? = nil) {
        if !self.machine.isInExchange { self.request = HTTPRequestSummary(refused: head) }
        let action = self.machine.refuse()
        var response = refusal.response
        switch self.takeConsumer() {
        case .collect(let collection): response = collection.failure?(refusal.bodyFailure) ?? response
        case .stream(let receiver): receiver.fail(refusal.bodyFailure)
        case .none: break
        }
        switch action {
        case .answer:
            self.writeWhole(response, closes: true)
            self.reservation.release()
            self.recordAnswer()
            self.closeAfterFlush(lingers: true)
        case .close:
            self.closeNow()
        case .drop:
            break
        }
    }
}
