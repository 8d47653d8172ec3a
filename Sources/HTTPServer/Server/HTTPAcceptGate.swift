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

    private let admission: HTTPAdmission
    private let metrics: HTTPServerMetrics
    private let logger: Logger
    private var context: ChannelHandlerContext?
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
        let hasRoom = self.admission.hasRoom { [self] in
            eventLoop.execute { self.context?.read() }
        }
        if hasRoom { context.read() }
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
        let hasRoom = self.admission.hasRoom { [self] in
            eventLoop.execute { self.setReading(true) }
        }
        if hasRoom { self.setReading(true) }
    }

    private func setReading(_ isReading: Bool) {
        // Fails only when the listener is closed.
        try? self.context?.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
