import NIOHTTP1

/// Why the server itself refuses a request, before or instead of its handler.
struct HTTPRefusal: Error, Equatable {
    let status: HTTPResponseStatus
    let message: String

    static let malformed = HTTPRefusal(status: .badRequest, message: "bad request")
    static let truncated = HTTPRefusal(status: .badRequest, message: "incomplete request")
    static let hostFieldMissing = HTTPRefusal(status: .badRequest, message: "exactly one Host field is required")
    static let targetTooLong = HTTPRefusal(status: .uriTooLong, message: "request target too long")
    static let fieldsTooLarge = HTTPRefusal(
        status: .requestHeaderFieldsTooLarge,
        message: "request header fields too large"
    )
    static let expectationUnknown = HTTPRefusal(status: .expectationFailed, message: "unknown expectation")
    static let tooLate = HTTPRefusal(status: .requestTimeout, message: "request timeout")
    static let unanswered = HTTPRefusal(status: .internalServerError, message: "Internal server error")

    /// The answer to send.
    var response: HTTPResponse {
        .failure(self.status, self.message)
    }

    /// What it means for a body that is being read.
    var bodyFailure: HTTPBodyFailure {
        switch self {
        case .tooLate: .timedOut
        case .truncated: .disconnected
        default: .malformed
        }
    }
}

extension HTTPBodyFailure {
    /// The answer to send: the handler's own if it has one.
    func response(_ own: ((HTTPBodyFailure) -> HTTPResponse)? = nil) -> HTTPResponse {
        var response = own?(self) ?? self.defaultResponse
        // What is left of such a body is not worth reading.
        if case .tooLarge = self { response.closesConnection = true }
        if case .overloaded = self, !response.headers.contains(name: "Retry-After") {
            response.headers.add(name: "Retry-After", value: "1")
        }
        return response
    }

    private var defaultResponse: HTTPResponse {
        switch self {
        case .tooLarge:
            .failure(.payloadTooLarge, "request entity too large")
        case .unsupportedEncoding(let name):
            .failure(.unsupportedMediaType, "unsupported content encoding \"\(name)\"")
        case .malformedEncoding: .failure(.badRequest, "malformed content encoding")
        case .timedOut: HTTPRefusal.tooLate.response
        case .overloaded: .failure(.serviceUnavailable, "too many requests are under way")
        case .malformed: HTTPRefusal.malformed.response
        case .disconnected: HTTPRefusal.truncated.response
        }
    }
}
