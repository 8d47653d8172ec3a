import NIOCore
import NIOHPACK
public import NIOHTTP1

/// A status line and header fields, serialised once and written with each answer as they are.
///
/// Keep one for each kind of answer an endpoint gives:
///
/// ```swift
/// static let accepted = HTTPResponseTemplate(status: .ok, headers: ["Content-Type": "application/json;
/// charset=utf-8"])
///
/// responder.respond(HTTPResponse(Self.accepted, body: body))
/// ```
public struct HTTPResponseTemplate: Sendable {
    /// The status.
    public let status: HTTPResponseStatus

    /// The status line and the fields, each line with its end; the framing and the empty line are still missing.
    let bytes: ByteBuffer

    let fields: HTTPFieldSummary

    /// The same for HTTP/2.
    let http2Fields: HPACKHeaders

    /// Serialises a status line and header fields.
    ///
    /// The rules of ``HTTPResponse`` for fields apply.
    public init(status: HTTPResponseStatus, headers: HTTPHeaders = [:]) {
        var bytes = ByteBuffer()
        bytes.writeStatusLine(status)
        self.fields = bytes.writeFields(headers)
        self.bytes = bytes
        self.http2Fields = HPACKHeaders(status: status, headers: headers)
        self.status = status
    }
}
