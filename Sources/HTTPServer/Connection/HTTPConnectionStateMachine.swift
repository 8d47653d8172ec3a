/// What one HTTP/1.1 connection may do next; or one stream of an HTTP/2 connection, which has one request only.
///
/// It sees one request at a time: while one is being read or answered, the next waits. Each method takes something that
/// happened and returns what to do about it. It knows no sockets, no clock and no handler.
struct HTTPConnectionStateMachine {
    enum State: Equatable {
        /// Waits for the next request; none of its bytes has arrived.
        case idle
        /// Some bytes of a head have arrived.
        case readingHead
        /// A request is being read, answered, or both.
        case exchange(Exchange)
        /// The last answer is on its way out; what still arrives is dropped.
        case closing
        /// The last answer is out and the client was told so; what still arrives is dropped until the client closes
        /// too.
        case lingering
        case closed
    }

    /// One request and its answer.
    struct Exchange: Equatable {
        enum Response: Equatable {
            case pending
            case streaming
            case complete
        }

        /// Tells this request's answer from a late answer to an earlier one.
        var identifier: UInt64
        var requestIsComplete = false
        var response = Response.pending
        /// Whether the connection ends with this exchange.
        var closes: Bool
        /// Whether the client still waits for a `100 Continue` before it sends the body.
        var awaitsContinue: Bool
        var contentLength: Int?
        var isChunked: Bool
        /// Whether nobody wants the body.
        var discardsBody = false
        /// Whether the body's parts are handed over as they come.
        var isStreamed = false
        /// Whether the receiver of the body asked the client to wait.
        var isPaused = false
        var maximumByteCount = Int.max
        var receivedByteCount = 0

        /// The bytes of the body still to come, as far as that is known.
        var expectedByteCount: Int {
            guard let contentLength = self.contentLength else { return 0 }
            return max(0, contentLength - self.receivedByteCount)
        }

        /// Whether more of the request may arrive; the end of one without a body is a formality.
        var mayReceiveMore: Bool {
            !self.requestIsComplete && (self.isChunked || self.expectedByteCount > 0)
        }
    }

    /// What the connection is waiting for that must not take forever.
    enum Timeout: Equatable {
        case firstHead
        /// The head of a connection that was made when the server began to shut down: it may be on its way.
        case lastHead
        case laterHead
        case idle
        case body
        case streamedBody
        case lingering
        /// Nothing, or something with a deadline of its own: the handler, the client that reads the answer.
        case none
    }

    private(set) var state = State.idle
    private(set) var exchangeCount: UInt64 = 0
    private(set) var inputIsClosed = false
    private(set) var isDraining = false
    private let maximumDiscardedByteCount: Int

    init(maximumDiscardedByteCount: Int) {
        self.maximumDiscardedByteCount = maximumDiscardedByteCount
    }

    /// Whether the next part of the input can be taken now.
    ///
    /// Otherwise it waits.
    var acceptsInput: Bool {
        switch self.state {
        case .idle, .readingHead, .closing, .lingering, .closed: true
        case .exchange(let exchange): !exchange.requestIsComplete && !exchange.isPaused
        }
    }

    /// The bytes that surely belong to the request being read.
    var expectedBodyByteCount: Int {
        guard case .exchange(let exchange) = self.state else { return 0 }
        return exchange.expectedByteCount
    }

    var timeout: Timeout {
        switch self.state {
        case .idle: self.exchangeCount > 0 ? .idle : self.isDraining ? .lastHead : .firstHead
        case .readingHead: self.exchangeCount == 0 ? .firstHead : .laterHead
        case .exchange(let exchange):
            if exchange.requestIsComplete || exchange.isPaused {
                .none
            } else {
                exchange.isStreamed && !exchange.discardsBody ? .streamedBody : .body
            }
        case .lingering: .lingering
        case .closing, .closed: .none
        }
    }

    /// Whether a request is being read or answered.
    var isInExchange: Bool {
        if case .exchange = self.state { true } else { false }
    }

    /// Whether the current request's answer is still to be written, or its end is.
    var isAnswering: Bool {
        guard case .exchange(let exchange) = self.state else { return false }
        return exchange.response != .complete
    }

    /// Whether a request is being read.
    var isReadingRequest: Bool {
        guard case .exchange(let exchange) = self.state else { return false }
        return !exchange.requestIsComplete
    }

    /// Whether the answer to the current request has not begun.
    var responseIsPending: Bool {
        guard case .exchange(let exchange) = self.state else { return false }
        return exchange.response == .pending
    }

    /// Whether what still arrives is dropped.
    var isClosing: Bool {
        switch self.state {
        case .idle, .readingHead, .exchange: false
        case .closing, .lingering, .closed: true
        }
    }

    /// Whether the connection is not closed.
    var isOpen: Bool { self.state != .closed }

    /// The exchange, if it is the one with this identifier.
    func exchange(_ identifier: UInt64) -> Exchange? {
        guard case .exchange(let exchange) = self.state, exchange.identifier == identifier else { return nil }
        return exchange
    }
}

// MARK: - Reading the request

extension HTTPConnectionStateMachine {
    /// Whether the bytes that come next belong to a head.
    var awaitsHead: Bool {
        switch self.state {
        case .idle, .readingHead: true
        case .exchange, .closing, .lingering, .closed: false
        }
    }

    /// Bytes of a head arrived, when so many exchanges had begun.
    ///
    /// Returns whether they are its beginning and nothing else.
    mutating func receiveHeadBytes(sinceExchange exchangeCount: UInt64) -> Bool {
        guard self.awaitsHead, self.exchangeCount == exchangeCount else { return false }
        self.state = .readingHead
        return true
    }

    enum HeadAction: Equatable {
        /// Give the head to the handler, as the exchange with this identifier.
        case deliver(UInt64)
        case drop
    }

    mutating func receiveHead(_ framing: HTTPRequestFraming) -> HeadAction {
        switch self.state {
        case .idle, .readingHead:
            self.exchangeCount += 1
            self.state = .exchange(
                Exchange(
                    identifier: self.exchangeCount,
                    closes: !framing.keepsAlive,
                    awaitsContinue: framing.expectsContinue,
                    contentLength: framing.contentLength,
                    isChunked: framing.isChunked
                )
            )
            return .deliver(self.exchangeCount)
        case .exchange, .closing, .lingering, .closed:
            return .drop
        }
    }

    enum BodyPlan: Equatable {
        case take(maximumByteCount: Int, isStreamed: Bool = false)
        case discard
    }

    enum BodyPlanAction: Equatable {
        /// Deliver the parts as they come.
        case proceed
        /// Nobody needs the body.
        case discard
        /// Tell the client to send the body: `100 Continue`.
        case sendContinue
        /// The body is known to be too large.
        case refuseTooLarge
    }

    /// The handler said what to do with the body.
    ///
    /// It may have answered already.
    mutating func planBody(_ plan: BodyPlan) -> BodyPlanAction {
        guard case .exchange(var exchange) = self.state, exchange.response != .complete else { return .discard }
        defer { self.state = .exchange(exchange) }
        guard case .take(let maximumByteCount, let isStreamed) = plan else {
            exchange.discardsBody = true
            return .discard
        }
        exchange.maximumByteCount = maximumByteCount
        exchange.isStreamed = isStreamed
        if exchange.expectedByteCount > maximumByteCount {
            exchange.discardsBody = true
            return .refuseTooLarge
        }
        guard exchange.awaitsContinue, exchange.response == .pending else { return .proceed }
        exchange.awaitsContinue = false
        return .sendContinue
    }

    enum BodyAction: Equatable {
        case deliver
        case drop
        case refuseTooLarge
        case close
    }

    mutating func receiveBody(byteCount: Int) -> BodyAction {
        guard case .exchange(var exchange) = self.state, !exchange.requestIsComplete else { return .drop }
        exchange.receivedByteCount += byteCount
        exchange.awaitsContinue = false
        defer { if case .exchange = self.state { self.state = .exchange(exchange) } }
        if exchange.discardsBody {
            guard exchange.receivedByteCount > self.maximumDiscardedByteCount else { return .drop }
            guard exchange.response == .complete else {
                exchange.closes = true
                return .drop
            }
            self.state = .closing
            return .close
        }
        if exchange.receivedByteCount > exchange.maximumByteCount {
            exchange.discardsBody = true
            return .refuseTooLarge
        }
        return .deliver
    }

    enum EndAction: Equatable {
        case deliver
        case drop
        /// The answer was complete before the request: now the exchange is over.
        case next
        /// As `next`, and the connection ends with it.
        case close
    }

    mutating func receiveEnd() -> EndAction {
        guard case .exchange(var exchange) = self.state, !exchange.requestIsComplete else { return .drop }
        exchange.requestIsComplete = true
        if exchange.response == .complete {
            self.state = exchange.closes ? .closing : .idle
            return exchange.closes ? .close : .next
        }
        self.state = .exchange(exchange)
        return exchange.discardsBody ? .drop : .deliver
    }

    /// Nobody wants the rest of the body.
    mutating func discardBody() {
        guard case .exchange(var exchange) = self.state else { return }
        exchange.discardsBody = true
        exchange.isPaused = false
        self.state = .exchange(exchange)
    }

    /// The receiver of the body asked for a pause, or for the end of one.
    mutating func pauseBody(_ identifier: UInt64, _ isPaused: Bool) {
        guard var exchange = self.exchange(identifier), !exchange.discardsBody else { return }
        exchange.isPaused = isPaused
        self.state = .exchange(exchange)
    }
}

// MARK: - Answering

extension HTTPConnectionStateMachine {
    enum ResponseAction: Equatable {
        /// Write the response; it says whether the connection closes after it.
        case write(closes: Bool)
        /// There is nothing to answer any more.
        case drop
    }

    /// An answer begins.
    ///
    /// `hasMore` is true when its body will follow later.
    mutating func beginResponse(_ identifier: UInt64, closes: Bool, hasMore: Bool) -> ResponseAction {
        guard var exchange = self.exchange(identifier), exchange.response == .pending else { return .drop }
        exchange.response = .streaming
        if !exchange.requestIsComplete {
            // What the client has not sent yet must be read and dropped, or the connection cannot be used again. A
            // client that was told nothing about its `Expect` may send the body or not: nobody can tell where the
            // next request begins.
            let isTooMuch = exchange.expectedByteCount > self.maximumDiscardedByteCount
            if exchange.awaitsContinue || (isTooMuch && (exchange.discardsBody || !hasMore)) { exchange.closes = true }
        }
        if closes || self.isDraining || self.inputIsClosed { exchange.closes = true }
        self.state = .exchange(exchange)
        return .write(closes: exchange.closes)
    }

    enum ResponseEndAction: Equatable {
        /// Read the next request.
        case next
        /// Read the rest of this request and drop it.
        case discardBody
        /// Close as soon as the answer is out.
        case close
        /// Close for writing as soon as the answer is out, then drop what arrives until the client closes too.
        case linger
        case drop
    }

    /// The answer is written.
    mutating func endResponse(_ identifier: UInt64) -> ResponseEndAction {
        guard var exchange = self.exchange(identifier), exchange.response == .streaming else { return .drop }
        exchange.response = .complete
        if exchange.closes {
            self.state = .closing
            return exchange.mayReceiveMore && !self.inputIsClosed ? .linger : .close
        }
        if exchange.requestIsComplete {
            self.state = .idle
            return .next
        }
        exchange.discardsBody = true
        exchange.isPaused = false
        self.state = .exchange(exchange)
        return .discardBody
    }

    enum RefusalAction: Equatable {
        /// Answer, then close.
        case answer
        /// Close at once: an answer has begun, or there was no request.
        case close
        case drop
    }

    /// The input is not HTTP, too large or too late.
    mutating func refuse() -> RefusalAction {
        switch self.state {
        case .idle, .readingHead:
            self.state = .closing
            return .answer
        case .exchange(let exchange):
            self.state = .closing
            return exchange.response == .pending ? .answer : .close
        case .closing, .lingering, .closed:
            return .drop
        }
    }
}

// MARK: - The connection

extension HTTPConnectionStateMachine {
    enum CloseAction: Equatable {
        /// Close now: there is no request.
        case close
        /// Tell the one who answers; the connection closes after the answer.
        case notify
        case drop
    }

    /// The client will send nothing more.
    mutating func closeInput() -> CloseAction {
        self.inputIsClosed = true
        return self.endAfterExchange()
    }

    /// The server shuts down.
    mutating func drain() -> CloseAction {
        self.isDraining = true
        return self.endAfterExchange()
    }

    private mutating func endAfterExchange() -> CloseAction {
        switch self.state {
        case .idle:
            // Who has just been let in is answered: it did not know that it came late.
            if self.exchangeCount == 0, !self.inputIsClosed { return .drop }
            self.state = .closing
            return .close
        case .readingHead:
            guard self.inputIsClosed else { return .drop }
            self.state = .closing
            return .close
        case .exchange(var exchange):
            // An answer that has begun cannot say any more that the connection closes; it still does.
            exchange.closes = true
            self.state = .exchange(exchange)
            return .notify
        case .lingering:
            return self.inputIsClosed ? .close : .drop
        case .closing, .closed:
            return .drop
        }
    }

    /// The last answer is out.
    ///
    /// Returns whether to linger; otherwise the connection closes now.
    mutating func finishOutput(lingers: Bool) -> Bool {
        guard self.state == .closing, lingers, !self.inputIsClosed else { return false }
        self.state = .lingering
        return true
    }

    enum ExpirationAction: Equatable {
        /// Close at once: nobody waits for an answer.
        case close
        /// Refuse the request: it is too late.
        case refuse
        case drop
    }

    /// What to do when the time of ``timeout`` is over.
    var expirationAction: ExpirationAction {
        switch self.state {
        case .idle, .lingering: .close
        case .readingHead: .refuse
        case .exchange: self.timeout == .none ? .drop : .refuse
        case .closing, .closed: .drop
        }
    }

    /// The connection is gone.
    mutating func close() {
        self.state = .closed
    }
}
