public import NIOCore
public import NIOHTTP1

/// A whole answer: status, header fields and body.
///
/// The server adds `Date`, the framing (`Content-Length`, `Transfer-Encoding`) and `Connection` itself, and ignores
/// such fields here, with two exceptions: a `Date` is kept, and a `Content-Length` is kept where there is no body to
/// count (status 204 and 304, an answer to HEAD with an empty ``body``) or where the body is streamed.
///
/// ```swift
/// responder.respond(HTTPResponse(status: .ok, headers: ["Content-Type": "text/plain"], body: ByteBuffer(string:
/// "hi")))
/// ```
public struct HTTPResponse: Sendable {
    /// The status.
    public let status: HTTPResponseStatus

    /// The header fields, in addition to those of the template.
    ///
    /// Control characters in values are sent as spaces, fields with an invalid name are left out: a reflected value
    /// cannot split the response.
    public var headers: HTTPHeaders

    /// The body.
    ///
    /// Not sent when the request is HEAD or the status is 204 or 304.
    public var body: ByteBuffer

    /// Whether the connection is closed after this answer.
    ///
    /// Over HTTP/2 it stays open: streams end one by one. Default: false.
    public var closesConnection = false

    let template: HTTPResponseTemplate?

    /// Creates an answer.
    public init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
        self.template = nil
    }

    /// Creates an answer whose status line and fixed header fields were serialised before: the fast way.
    public init(_ template: HTTPResponseTemplate, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = template.status
        self.headers = headers
        self.body = body
        self.template = template
    }

    /// Whether an answer with this status has no body, whatever its fields say (RFC 9112, section 6.3).
    var neverHasBody: Bool {
        self.status.code < 200 || self.status == .noContent || self.status == .notModified
    }

    /// The length that the handler declared in a `Content-Length` field.
    var declaredContentLength: Int? {
        if let text = self.headers.first(name: "Content-Length"), let length = Int(text), length >= 0 { return length }
        return self.template?.fields.declaredContentLength
    }
}

extension HTTPResponse {
    /// An answer with a JSON text as its body.
    public static func json(_ status: HTTPResponseStatus, _ text: ByteBuffer) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json; charset=utf-8"], body: text)
    }

    /// The house's envelope for a refusal: `{"success":false,"error":"<message>"}`.
    ///
    /// The message is escaped for JSON. It must not hold anything of a payload.
    public static func failure(_ status: HTTPResponseStatus, _ message: String) -> HTTPResponse {
        var body = ByteBuffer()
        body.writeString(#"{"success":false,"error":"#)
        body.writeJSONString(message)
        body.writeString("}")
        return .json(status, body)
    }
}
