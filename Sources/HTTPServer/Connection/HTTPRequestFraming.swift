import NIOHTTP1

/// What a request's head says about its body and its connection, read in one pass over the fields.
///
/// NIO's decoder has already refused what makes two readings of a message possible (both `Content-Length` and
/// `Transfer-Encoding`, two lengths, a coding that does not end in `chunked`). Here are the rules it leaves to the
/// server.
struct HTTPRequestFraming: Equatable {
    /// The body's length where the head says it.
    ///
    /// Nil: the body comes in chunks, or there is none.
    var contentLength: Int?

    /// Whether the body comes in chunks.
    var isChunked = false

    /// The coding of the body.
    var contentEncoding = HTTPContentEncoding.identity

    /// Whether the client waits for a `100 Continue` before it sends the body.
    var expectsContinue = false

    /// Whether the connection may serve another request.
    var keepsAlive = true

    /// Whether the request is HTTP/1.0, which knows no chunks.
    var isVersion10 = false

    /// Whether the method is HEAD, whose answer has no body.
    var isHead = false

    /// Whether there will be any body at all.
    var hasBody: Bool { self.isChunked || (self.contentLength ?? 0) > 0 }

    /// Reads a head.
    ///
    /// HTTP/2 says with its frames whether a body follows; nil is HTTP/1.
    init(_ head: HTTPRequestHead, limits: HTTPLimits, bodyFollows: Bool? = nil) throws(HTTPRefusal) {
        guard head.uri.utf8.count <= limits.maximumURILength else { throw .targetTooLong }
        self.isVersion10 = bodyFollows == nil && head.version.minor == 0
        self.isHead = head.method == .HEAD
        self.keepsAlive = bodyFollows != nil || (head.isKeepAlive && head.method != .CONNECT)

        var byteCount = 0
        var hostCount = 0
        var encoding = ""
        for (name, value) in head.headers {
            byteCount += name.utf8.count + value.utf8.count
            switch name.utf8.count {
            case 4 where name.equalsIgnoringCase("host"):
                hostCount += 1
            case 6 where name.equalsIgnoringCase("expect"):
                guard value.trimmed.equalsIgnoringCase("100-continue") else { throw .expectationUnknown }
                self.expectsContinue = !self.isVersion10
            case 7 where name.equalsIgnoringCase("upgrade"):
                // The decoder reads no further message after one that asks for another protocol.
                self.keepsAlive = false
            case 14 where name.equalsIgnoringCase("content-length"):
                // The decoder has seen digits only; a number beyond Int is beyond every limit.
                self.contentLength = Int(value.trimmed) ?? .max
            case 16 where name.equalsIgnoringCase("content-encoding"):
                encoding = encoding.isEmpty ? String(value.trimmed) : "\(encoding), \(value.trimmed)"
            case 17 where name.equalsIgnoringCase("transfer-encoding"):
                // The decoder reads `gzip, chunked` as chunks of something, and an empty field as no body at all.
                guard value.trimmed.equalsIgnoringCase("chunked") else { throw .malformed }
                self.isChunked = true
            default:
                break
            }
        }
        guard byteCount <= limits.maximumHeaderByteCount else { throw .fieldsTooLarge }
        guard head.headers.count <= limits.maximumHeaderFieldCount else { throw .fieldsTooLarge }
        guard hostCount == 1 || (hostCount == 0 && self.isVersion10) else { throw .hostFieldMissing }
        // HTTP/1.0 has no chunks: a server in front of this one may have read another end of the message.
        guard !(self.isChunked && self.isVersion10) else { throw .malformed }
        if let bodyFollows {
            self.isChunked = bodyFollows && self.contentLength == nil
            if !bodyFollows { self.contentLength = nil }
        }
        self.contentEncoding = HTTPContentEncoding(encoding)
        self.expectsContinue = self.expectsContinue && self.hasBody
    }
}
