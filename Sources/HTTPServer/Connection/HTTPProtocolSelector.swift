import Logging
import NIOCore
import NIOTLS

/// Waits for the end of a TLS handshake, in which client and server agree on HTTP/1.1 or HTTP/2, and then makes the
/// channel a connection of that kind.
///
/// A client that says nothing of protocols speaks HTTP/1.1.
///
/// `@unchecked Sendable`: the `let` properties are immutable and Sendable; every variable is touched on the channel's
/// event loop only.
final class HTTPProtocolSelector: ChannelInboundHandler, RemovableChannelHandler, HTTPGroupMember, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private let handler: any HTTPHandler
    private let environment: HTTPConnectionEnvironment
    private var context: ChannelHandlerContext?
    private var deadline = NIODeadline.distantFuture
    var positionInGroup = -1

    init(handler: any HTTPHandler, environment: HTTPConnectionEnvironment) {
        self.handler = handler
        self.environment = environment
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let milliseconds = Int64(self.environment.limits.headerTimeoutMilliseconds)
        self.deadline = context.eventLoop.now + .milliseconds(milliseconds)
        guard self.environment.group.add(self) else {
            self.closeNow()
            return
        }
        context.fireChannelActive()
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.environment.group.remove(self)
        context.fireChannelInactive()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if self.positionInGroup >= 0 { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let name) = event as? TLSUserEvent, self.positionInGroup >= 0 else {
            if event as? ChannelEvent == .inputClosed { self.closeNow() }
            context.fireUserInboundEventTriggered(event)
            return
        }
        do {
            if name == "h2" {
                try HTTP2Connection.configure(context.channel, handler: self.handler, environment: self.environment)
            } else {
                try HTTPConnection.configure(context.channel, handler: self.handler, environment: self.environment)
            }
            // In this order, or a server that drains could believe that the last connection has closed.
            self.environment.group.remove(self)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            self.environment.logger.error("a connection cannot be set up", metadata: ["error": "\(error)"])
            self.closeNow()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.environment.logger.debug("connection failed", metadata: ["error": "\(error)"])
        self.closeNow()
    }

    // MARK: - The group

    func checkDeadlines(now: NIODeadline) {
        if now >= self.deadline { self.closeNow() }
    }

    func drain() {
        self.closeNow()
    }

    func closeNow() {
        self.context?.close(promise: nil)
    }
}
