import NIOCore
import Synchronization

/// Counts the open connections of a server and says when another may be accepted.
final class HTTPAdmission: Sendable {
    private struct State {
        var openCount = 0
        /// What to do when there is room again.
        var waiting: [@Sendable () -> Void] = []
    }

    private let maximumConnectionCount: Int
    private let state = Mutex(State())

    init(maximumConnectionCount: Int) {
        self.maximumConnectionCount = maximumConnectionCount
    }

    /// Whether there is room for another connection.
    ///
    /// If not, `resume` is called, once, when there is.
    func hasRoom(orCall resume: @escaping @Sendable () -> Void) -> Bool {
        self.state.withLock { state in
            if state.openCount < self.maximumConnectionCount { return true }
            state.waiting.append(resume)
            return false
        }
    }

    func opened() {
        self.state.withLock { $0.openCount += 1 }
    }

    func closed() {
        // Swapped rather than returned under a `defer` that resets it, which Swift 6.3.1 miscompiles with -O.
        var waiting: [@Sendable () -> Void] = []
        self.state.withLock { state in
            state.openCount -= 1
            if state.openCount < self.maximumConnectionCount { swap(&state.waiting, &waiting) }
        }
        for resume in waiting { resume() }
    }
}

/// Stops a listener's accepting while the server has as many connections as it may.
///
/// The kernel keeps the new ones waiting.
///
/// `@unchecked Sendable`: the `let` property is Sendable; the variable is touched on the listener's event loop only.
final class HTTPAcceptGate: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let admission: HTTPAdmission
    private var context: ChannelHandlerContext?

    init(admission: HTTPAdmission) {
        self.admission = admission
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = Self.unwrapInboundIn(data)
        self.admission.opened()
        connection.closeFuture.whenComplete { [admission] _ in admission.closed() }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        let eventLoop = context.eventLoop
        let hasRoom = self.admission.hasRoom { [self] in
            eventLoop.execute { self.context?.read() }
        }
        if hasRoom { context.read() }
    }
}
