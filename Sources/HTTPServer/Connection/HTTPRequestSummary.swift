import NIOCore
import NIOHTTP1

/// What is remembered of the request that is being answered.
struct HTTPRequestSummary {
    var method: HTTPMethod?
    var uri = ""
    var isHead = false
    var isVersion10 = false
    var contentLength: Int?
    var contentEncoding = HTTPContentEncoding.identity
    var bodyByteCount = 0
    var responseByteCount = 0
    var status = HTTPResponseStatus.ok
    /// When the head arrived, if somebody wants to know.
    var start: NIODeadline?

    init() {}

    /// A request that got no further than its head, if that far.
    init(refused head: HTTPRequestHead?) {
        guard let head else { return }
        self.method = head.method
        self.uri = head.uri
        self.isHead = head.method == .HEAD
    }

    init(head: HTTPRequestHead, framing: HTTPRequestFraming, start: NIODeadline?) {
        self.method = head.method
        self.uri = head.uri
        self.isHead = framing.isHead
        self.isVersion10 = framing.isVersion10
        self.contentLength = framing.contentLength
        self.contentEncoding = framing.contentEncoding
        self.start = start
    }
}
