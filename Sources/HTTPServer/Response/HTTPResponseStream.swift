public import NIOCore
import Synchronization

/// The body of an answer that is sent in parts, from any thread: an event stream, a large file, a live tail.
///
/// Mind the client that reads slowly: write while ``isWritable``, then wait for ``onWritable(_:)``. A stream that is
/// dropped before its ``end()`` closes the connection, so that the client sees that something is missing.
public final class HTTPResponseStream: Sendable {
    private let sink: any HTTPResponseSink
    private let exchange: UInt64
    private let isEnded = Atomic(false)

    init(sink: any HTTPResponseSink, exchange: UInt64) {
        self.sink = sink
        self.exchange = exchange
    }

    deinit {
        guard !self.isEnded.load(ordering: .relaxed), self.sink.isOpen else { return }
        self.sink.eventLoop.execute { [sink, exchange] in sink.abandon(exchange) }
    }

    /// The event loop of the connection.
    public var eventLoop: any EventLoop { self.sink.eventLoop }

    /// Whether the client keeps up: less than 64 KiB wait to be sent.
    ///
    /// False when the connection is closed.
    public var isWritable: Bool { self.sink.isWritable }

    /// Sends a part of the body.
    ///
    /// After ``end()``, or when the connection is closed, it is dropped.
    ///
    /// - Parameters:
    ///   - part: The bytes. An empty part sends nothing.
    ///   - promise: Completes when the kernel has taken the bytes, or fails when it never will.
    public func write(_ part: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
        if self.sink.eventLoop.inEventLoop {
            self.sink.write(part, to: self.exchange, promise: promise)
        } else if !self.sink.onEventLoop({ [exchange] in $0.write(part, to: exchange, promise: promise) }) {
            promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    /// Ends the body.
    ///
    /// A second call does nothing.
    public func end() {
        guard !self.isEnded.exchange(true, ordering: .relaxed) else { return }
        self.sink.onEventLoop { [exchange] in $0.end(exchange) }
    }

    /// Calls back, on the event loop, each time ``isWritable`` becomes true again.
    ///
    /// One callback is kept.
    public func onWritable(_ callback: @escaping @Sendable () -> Void) {
        self.sink.onEventLoop { [exchange] in $0.observeWritability(exchange, callback) }
    }

    /// Calls back, on the event loop, when the connection or the server goes away before the end of the body.
    ///
    /// See ``HTTPResponder/onConnectionEvent(_:)``.
    public func onConnectionEvent(_ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void) {
        self.sink.observeOnEventLoop(self.exchange, callback)
    }
}
