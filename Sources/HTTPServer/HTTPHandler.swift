public import NIOCore
public import NIOHTTP1

/// Answers requests, on the event loop of the connection they arrived on.
///
/// The server calls ``receive(_:_:)`` when a request's head is complete. The handler says what to do with the body and
/// answers through the responder: at once, or later and from any thread. It must never block.
///
/// This handler answers each request with its own body:
///
/// ```swift
/// struct Echo: HTTPHandler {
///     func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
///         .collect { body, responder in responder.respond(HTTPResponse(status: .ok, body: body)) }
///     }
/// }
/// ```
public protocol HTTPHandler: Sendable {
    /// Takes a request's head and says what to do with its body.
    ///
    /// Answer exactly once through `responder`. Dropping it unanswered sends a 500.
    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling
}

/// What to do with a request's body.
public enum HTTPBodyHandling {
    /// Gathers the whole body, decompressed, and hands it over on the event loop.
    ///
    /// A body that arrived in one piece is handed over where it lies, without a copy. `maximumByteCount` bounds the
    /// body as sent and as decompressed; nil takes ``HTTPLimits/maximumBodyByteCount``. When the body cannot be had,
    /// `failure` makes the answer, or the house's own JSON envelope is sent if it is nil; `then` is not called.
    case collect(
        maximumByteCount: Int? = nil,
        failure: ((HTTPBodyFailure) -> HTTPResponse)? = nil,
        then: (ByteBuffer, HTTPResponder) -> Void
    )

    /// Hands over the body's parts as they arrive, on the event loop and as they were sent: not decompressed.
    ///
    /// The receiver can hold the client back with ``HTTPResponder/pauseBody()``. `maximumByteCount` bounds the body;
    /// nil takes ``HTTPLimits/maximumBodyByteCount``.
    case stream(maximumByteCount: Int? = nil, to: any HTTPBodyReceiver)

    /// Drops the body.
    case ignore
}

/// Receives the parts of a streamed body, on the connection's event loop.
///
/// After ``finish()`` or ``fail(_:)`` nothing more is called, nor after an answer that was complete before the body.
public protocol HTTPBodyReceiver {
    /// Takes the next part of the body.
    func receive(_ part: ByteBuffer)

    /// The body is complete.
    func finish()

    /// The rest of the body will not come. Unless the connection is gone, the server answers the client itself.
    func fail(_ failure: HTTPBodyFailure)
}

/// Why a request's body could not be had.
public enum HTTPBodyFailure: Error, Sendable, Hashable {
    /// The body, as sent or as decompressed, is larger than this many bytes; or it inflates beyond
    /// ``HTTPLimits/maximumInflationRatio``.
    case tooLarge(maximumByteCount: Int)

    /// The content coding is none of `gzip`, `deflate` and `identity`. The text is the client's, in lower case, cut
    /// at 64 bytes.
    case unsupportedEncoding(String)

    /// The compressed bytes are damaged, truncated or followed by others.
    case malformedEncoding

    /// The body was not complete in time, or it came too slowly.
    case timedOut

    /// The server holds as many bytes of bodies as it may (``HTTPLimits/maximumInFlightByteCount``).
    case overloaded

    /// The body's framing is not HTTP.
    case malformed

    /// The client closed the connection.
    case disconnected
}
