public import NIOCore
public import NIOHTTP1

/// A whole request: its head and its body, decompressed.
public struct HTTPRequest: Sendable {
    /// The request line and the header fields.
    public var head: HTTPRequestHead

    /// The body; empty when there is none.
    public var body: ByteBuffer

    /// Creates a request.
    public init(head: HTTPRequestHead, body: ByteBuffer) {
        self.head = head
        self.body = body
    }
}

/// A handler made of a closure that takes the whole request.
///
/// ```swift
/// router.on(.POST, "/collect", HTTPRequestHandler { request, responder in
///     responder.respond(HTTPResponse(status: .ok))
/// })
/// ```
public struct HTTPRequestHandler: HTTPHandler {
    private let maximumBodyByteCount: Int?
    private let handle: @Sendable (HTTPRequest, HTTPResponder) -> Void

    /// Creates a handler that gathers bodies of up to `maximumBodyByteCount` bytes; nil takes the server's limit.
    ///
    /// The closure runs on the connection's event loop and must not block.
    public init(
        maximumBodyByteCount: Int? = nil,
        _ handle: @escaping @Sendable (HTTPRequest, HTTPResponder) -> Void
    ) {
        self.maximumBodyByteCount = maximumBodyByteCount
        self.handle = handle
    }

    /// Gathers the body and calls the closure.
    public func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        .collect(maximumByteCount: self.maximumBodyByteCount) { [handle] body, responder in
            handle(HTTPRequest(head: head, body: body), responder)
        }
    }
}
