import Logging
import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: the effects of ``HTTPConnectionStateMachine``, at the end of a channel's pipeline.
///
/// The pipeline is ``HTTPInputGate``, NIO's request decoder, this handler. Answers are serialised here, so that a
/// head and its body are one buffer and all answers of one read are one write.
///
/// `@unchecked Sendable`: the `let` properties are immutable and Sendable; every variable is touched on `eventLoop`
/// only, which each method that is called from outside the pipeline asserts or arranges.
final class HTTPConnection: ChannelInboundHandler, HTTPExchangeCarrier, HTTPGroupMember, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    let channel: any Channel
    let eventLoop: any EventLoop
    let handler: any HTTPHandler
    let environment: HTTPConnectionEnvironment

    var machine: HTTPConnectionStateMachine
    var context: ChannelHandlerContext?
    var gate: HTTPInputGate?

    /// Decoded input that has to wait for the current exchange.
    ///
    /// The gate keeps it short.
    private(set) var queue = CircularBuffer<HTTPConnectionInput>()
    private var isPumping = false
    private var isReading = false
    private var isReadPending = false

    var request = HTTPRequestSummary()
    var consumer = HTTPBodyConsumer.none
    var body = HTTPBodyAssembly()
    var reservation: HTTPBodyReservation

    /// What has been serialised and not yet handed to the channel; or, while `outboundIsSent`, what can be used again.
    var outbound = ByteBuffer()
    var outboundIsSent = true
    var needsFlush = false
    var streamFraming: HTTPStreamFraming?
    var eventObserver: (@Sendable (HTTPConnectionEvent) -> Void)?
    var writabilityObserver: (@Sendable () -> Void)?

    var deadlines: HTTPConnectionDeadlines
    var writes = HTTPWriteProgress()
    var positionInGroup = -1

    init(channel: any Channel, handler: any HTTPHandler, environment: HTTPConnectionEnvironment) {
        self.channel = channel
        self.eventLoop = channel.eventLoop
        self.handler = handler
        self.environment = environment
        self.machine = HTTPConnectionStateMachine(
            maximumDiscardedByteCount: environment.limits.maximumDiscardedByteCount
        )
        self.deadlines = HTTPConnectionDeadlines(limits: environment.limits)
        self.reservation = HTTPBodyReservation(environment.budget)
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
        self.settle()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        if self.queue.isEmpty && self.canTakeInput {
            self.take(part)
        } else {
            self.queue.append(.part(part))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.settle()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        self.writabilityObserver?()
        self.pump()
        if !self.isReading { self.settle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { self.receive(.end) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow:
            self.receive(.failure(self.gate?.sawRequestLine ?? true ? .fieldsTooLarge : .targetTooLong))
        case HTTPParserError.invalidEOFState:
            // Also when the connection breaks: then there is nobody to answer.
            if context.channel.isActive { self.receive(.failure(.truncated)) }
        case is HTTPParserError:
            self.receive(.failure(.malformed))
        case is ByteToMessageDecoderError:
            break
        default:
            self.logger.debug("connection failed", metadata: ["error": "\(error)"])
            self.closeNow()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.machine.close()
        self.environment.group.remove(self)
        self.queue.removeAll()
        self.gate = nil
        self.endBody(.disconnected)
        self.reservation.release()
        self.notify(.closed)
        self.eventObserver = nil
        self.writabilityObserver = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.gate = nil
        self.outbound = ByteBuffer()
    }

    // MARK: - Input, one exchange at a time

    /// The gate got bytes.
    func readBegan() {
        self.isReading = true
        self.isReadPending = false
        self.pump()
    }

    /// The gate learned that the client sends nothing more.
    ///
    /// The decoder learns it in its turn.
    func inputClosed() {
        self.notify(.inputClosed)
        self.pump()
        if !self.isReading { self.settle() }
    }

    private func receive(_ input: HTTPConnectionInput) {
        if self.queue.isEmpty && self.canTakeInput {
            self.take(input)
        } else {
            self.queue.append(input)
        }
    }

    /// Whether the current state has a use for the next part.
    ///
    /// No new request is taken from a client that does not take its answers.
    private var canTakeInput: Bool {
        self.machine.acceptsInput && (self.machine.isReadingRequest || self.channel.isWritable)
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            do throws(HTTPRefusal) {
                self.takeHead(head, try HTTPRequestFraming(head, limits: self.environment.limits))
            } catch {
                self.refuse(error, head: head)
            }
        case .body(let bytes): self.takeBody(bytes)
        case .end: self.takeEnd()
        }
    }

    private func take(_ input: HTTPConnectionInput) {
        switch input {
        case .part(let part): self.take(part)
        case .failure(let refusal): self.refuse(refusal)
        case .end: self.closeInput()
        }
    }

    /// Takes what waits, as far as it can be taken now.
    func pump() {
        guard !self.isPumping else { return }
        self.isPumping = true
        defer { self.isPumping = false }
        repeat {
            while self.canTakeInput, let input = self.queue.popFirst() { self.take(input) }
        } while self.canTakeInput && self.feed()
    }

    private func feed() -> Bool {
        guard let gate = self.gate else { return false }
        if self.machine.isClosing { gate.discard() }
        let awaitedHead = self.machine.awaitsHead
        let exchangeCount = self.machine.exchangeCount
        return gate.feed(expectedBodyByteCount: self.machine.expectedBodyByteCount) {
            awaitedHead && self.machine.receiveHeadBytes(sinceExchange: exchangeCount)
        }
    }

    var inputIsEmpty: Bool { self.queue.isEmpty && self.gate?.isEmpty ?? true }

    /// What remains to be done when a read, or an event outside of one, has been handled.
    func settle() {
        self.flushIfNeeded()
        self.deadlines.update(self.machine, eventLoop: self.eventLoop)
        if self.inputIsEmpty && !self.isReadPending {
            self.isReadPending = true
            self.context?.read()
        }
    }

    /// Like ``settle()``, for what may happen inside of a read or outside.
    func settleUnlessReading() {
        if !self.isReading && !self.isPumping { self.settle() }
    }
}

/// What waits for its turn behind the current exchange.
enum HTTPConnectionInput {
    case part(HTTPServerRequestPart)
    case failure(HTTPRefusal)
    case end
}

/// What a connection needs of the server it belongs to.
struct HTTPConnectionEnvironment: Sendable {
    let limits: HTTPLimits
    let group: HTTPConnectionGroup
    /// Shared by all connections of the server.
    let budget: HTTPBodyBudget
    let metrics: HTTPServerMetrics
    let logger: Logger
    let onExchange: (@Sendable (HTTPExchangeRecord) -> Void)?
}
