public import NIOCore
import Synchronization

/// Answers one request, once, from any thread.
///
/// Off the event loop an answer is handed to it; on the loop it is written at once. A responder that is dropped
/// without an answer sends a 500 and logs an error. When the client is gone or the server has refused the request
/// meanwhile, an answer is dropped without a word: see ``onConnectionEvent(_:)``.
public final class HTTPResponder: Sendable {
    private let sink: any HTTPResponseSink
    private let exchange: UInt64
    private let isAnswered = Atomic(false)

    init(sink: any HTTPResponseSink, exchange: UInt64) {
        self.sink = sink
        self.exchange = exchange
    }

    deinit {
        guard !self.isAnswered.load(ordering: .relaxed), self.sink.isOpen else { return }
        // Later, not now: this may run in the middle of the connection's own work.
        self.sink.eventLoop.execute { [sink, exchange] in sink.abandon(exchange) }
    }

    /// The event loop of the connection.
    ///
    /// Callbacks come on it, and answers given on it are fastest.
    public var eventLoop: any EventLoop { self.sink.eventLoop }

    /// The client's address.
    ///
    /// Nil when it is gone, or has none.
    public var remoteAddress: SocketAddress? { self.sink.remoteAddress }

    /// Sends a whole answer.
    ///
    /// A second answer is ignored and logged.
    public func respond(_ response: HTTPResponse) {
        guard self.claim() else { return }
        if self.sink.eventLoop.inEventLoop {
            self.sink.respond(response, to: self.exchange)
        } else {
            self.sink.onEventLoop { [exchange] in $0.respond(response, to: exchange) }
        }
    }

    /// Sends the head of an answer whose body follows in parts, and its ``HTTPResponse/body`` as the first part.
    ///
    /// The body is sent in chunks; or as it is if the head declares a `Content-Length`, which must then be kept; or,
    /// to a client that speaks HTTP/1.0, up to the close of the connection.
    public func begin(_ head: HTTPResponse) -> HTTPResponseStream {
        guard self.claim() else { return HTTPResponseStream(sink: self.sink, exchange: noExchange) }
        self.sink.onEventLoop { [exchange] in $0.begin(head, to: exchange) }
        return HTTPResponseStream(sink: self.sink, exchange: self.exchange)
    }

    /// Calls back, on the event loop, when the connection or the server goes away before the answer is complete.
    ///
    /// One callback is kept; a later one replaces it. When the connection is closed already it is called at once, on
    /// the caller's thread, with ``HTTPConnectionEvent/closed``. It is let go when the answer is complete; until then
    /// a callback that holds the responder keeps it alive.
    public func onConnectionEvent(_ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void) {
        self.sink.observeOnEventLoop(self.exchange, callback)
    }

    /// Runs `work` on the connection's event loop: now when called there, soon otherwise.
    ///
    /// When the connection is closed nothing is run: the event loop may be gone too.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        self.sink.onEventLoop { _ in work() }
    }

    /// Stops reading a streamed body, so that the client has to wait, until ``resumeBody()``.
    ///
    /// Called on the event loop it takes effect at once; no further part is delivered.
    public func pauseBody() {
        self.sink.onEventLoop { [exchange] in $0.pauseBody(exchange, true) }
    }

    /// Reads a streamed body again.
    public func resumeBody() {
        self.sink.onEventLoop { [exchange] in $0.pauseBody(exchange, false) }
    }

    /// Makes sure that there is one answer only.
    private func claim() -> Bool {
        guard self.isAnswered.exchange(true, ordering: .relaxed) else { return true }
        self.sink.logSecondAnswer()
        return false
    }
}
