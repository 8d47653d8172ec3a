import NIOCore

/// The identifier that no exchange has.
let noExchange: UInt64 = 0

/// Where answers go: one connection of one protocol.
///
/// The properties may be read from any thread, the methods must be called on the event loop. An `exchange` that is
/// over, or never was, is ignored by every method.
protocol HTTPResponseSink: AnyObject, Sendable {
    var eventLoop: any EventLoop { get }
    var remoteAddress: SocketAddress? { get }
    var isOpen: Bool { get }
    var isWritable: Bool { get }

    func respond(_ response: HTTPResponse, to exchange: UInt64)
    func begin(_ head: HTTPResponse, to exchange: UInt64)
    func write(_ part: ByteBuffer, to exchange: UInt64, promise: EventLoopPromise<Void>?)
    func end(_ exchange: UInt64)

    /// The answer, or its end, will not come.
    func abandon(_ exchange: UInt64)

    func pauseBody(_ exchange: UInt64, _ isPaused: Bool)
    func observe(_ exchange: UInt64, _ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void)
    func observeWritability(_ exchange: UInt64, _ callback: @escaping @Sendable () -> Void)

    /// A handler answered twice. May be called from any thread.
    func logSecondAnswer()
}

extension HTTPResponseSink {
    /// Runs `work` now when on the event loop, soon otherwise.
    ///
    /// When the connection is closed nothing is run: the event loop may be gone too. Returns whether it was open.
    @discardableResult
    func onEventLoop(_ work: @escaping @Sendable (any HTTPResponseSink) -> Void) -> Bool {
        guard self.isOpen else { return false }
        if self.eventLoop.inEventLoop {
            work(self)
        } else {
            self.eventLoop.execute { work(self) }
        }
        return true
    }

    /// Registers a callback, or calls it now when the connection is closed.
    func observeOnEventLoop(_ exchange: UInt64, _ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void) {
        if !self.onEventLoop({ $0.observe(exchange, callback) }) { callback(.closed) }
    }
}
