import Logging
import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Stands before a listener's accepting: stops it while the server has as many connections as it may, and for a while
/// when descriptors or memory have run out.
///
/// The kernel keeps the new ones waiting. A client that has too many connections gets no other.
///
/// `@unchecked Sendable`: the `let` properties are Sendable; the variables are touched on the listener's event loop
/// only.
final class HTTPAcceptGate: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    /// How long accepting rests when it cannot be done.
    static let pause = TimeAmount.milliseconds(100)
    /// Connections that are accepted in one turn of the event loop. A turn in which every connection has something to
    /// do takes long: with one connection each, new ones would wait for as many turns as are before them.
    static let maximumCountPerTurn = 16

    private let admission: HTTPAdmission
    private let metrics: HTTPServerMetrics
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var countPerTurn = 1
    private var isPausing = false
    private var hasWarned = false

    init(admission: HTTPAdmission, metrics: HTTPServerMetrics, logger: Logger) {
        self.admission = admission
        self.metrics = metrics
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasWarned = false
        let connection = Self.unwrapInboundIn(data)
        let address = HTTPClientAddress(connection.remoteAddress)
        guard self.admission.admit(address) else {
            self.metrics.connectionRefused()
            connection.close(promise: nil)
            return
        }
        connection.closeFuture.whenComplete { [admission] _ in admission.closed(address) }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        guard !self.isPausing else { return }
        let eventLoop = context.eventLoop
        let room = self.admission.room { [self] in
            eventLoop.execute { self.context?.read() }
        }
        if room == 0 { return }
        let count = min(room, Self.maximumCountPerTurn)
        if count != self.countPerTurn {
            // Fails only when the listener is closed.
            try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(count))
            self.countPerTurn = count
        }
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        guard !self.isPausing else { return }
        if !self.hasWarned {
            self.hasWarned = true
            self.logger.warning("no connection can be accepted for now", metadata: ["error": "\(error)"])
        }
        // The read stays pending until something was accepted: left alone, NIO would try again at once, and again.
        self.isPausing = true
        self.setReading(false)
        context.eventLoop.scheduleTask(in: Self.pause) { self.goOn() }
    }

    private func goOn() {
        self.isPausing = false
        guard let eventLoop = self.context?.eventLoop else { return }
        let room = self.admission.room { [self] in
            eventLoop.execute { self.setReading(true) }
        }
        if room > 0 { self.setReading(true) }
    }

    private func setReading(_ isReading: Bool) {
        // Fails only when the listener is closed.
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
