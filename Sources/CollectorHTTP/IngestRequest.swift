import Collector
import HTTPServer
import InternetAddresses
import NIOHTTP1

/// A request that may send events: whose it is, what accompanies its events, and where its answer goes.
struct IngestRequest {
    /// Whose key a request brought.
    enum Key {
        /// Everybody may send.
        case unneeded
        /// The key at that place of the source's, which the request's head proves.
        case bearer(Int)
        /// One that the body has to prove.
        case signature(BodySignature)
    }

    var key: Key
    /// Who sent it; nil unless somebody asks.
    let client: IPAddress?
    var options: PushOptions
    /// Header fields of the answer that depend on the request.
    let headers: HTTPHeaders
    let responder: HTTPResponder
}
