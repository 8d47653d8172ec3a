public import NIOHTTP1

/// Which web pages of other origins may use an endpoint (CORS), with the header values of the npm package `cors` 2.8.5.
///
/// ```swift
/// let policy = HTTPCrossOriginPolicy(origin: .listed(["https://shop.example"]), allowsCredentials: true)
/// var response = HTTPResponse(Self.accepted, headers: policy.responseHeaders(for: head))
/// ```
public struct HTTPCrossOriginPolicy: Sendable, Hashable {
    /// The origins that are allowed.
    public enum Origin: Sendable, Hashable {
        /// All of them, with `*`.
        case any
        /// This one, named to every client.
        case fixed(String)
        /// These; the client's origin is named back if it is one of them.
        case listed([String])
        /// All of them; the client's origin is named back.
        case reflected
    }

    /// The origins that are allowed.
    ///
    /// Default: all.
    public var origin: Origin

    /// The methods that a preflight allows.
    public var methods: [String]

    /// The request header fields that a preflight allows.
    ///
    /// Nil allows those it asks for. Default: nil.
    public var requestHeaders: [String]?

    /// Whether cookies and other credentials are allowed.
    ///
    /// Default: false.
    public var allowsCredentials: Bool

    /// How long a browser may remember a preflight's answer, in seconds.
    ///
    /// Nil does not say. Default: nil.
    public var maximumAgeSeconds: Int?

    /// The methods allowed unless others are given.
    public static let defaultMethods = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]

    /// Creates a policy; without arguments, the one that allows everything.
    public init(
        origin: Origin = .any,
        methods: [String] = Self.defaultMethods,
        requestHeaders: [String]? = nil,
        allowsCredentials: Bool = false,
        maximumAgeSeconds: Int? = nil
    ) {
        self.origin = origin
        self.methods = methods
        self.requestHeaders = requestHeaders
        self.allowsCredentials = allowsCredentials
        self.maximumAgeSeconds = maximumAgeSeconds
    }

    /// Whether pages of that origin are allowed.
    public func allows(_ origin: String) -> Bool {
        switch self.origin {
        case .any, .reflected: true
        case .fixed(let allowed): origin == allowed
        case .listed(let allowed): allowed.contains(origin)
        }
    }

    /// The fields of an answer that are the same for every request: for an ``HTTPResponseTemplate``.
    ///
    /// Nil when they depend on the request's origin.
    public var fixedResponseHeaders: HTTPHeaders? {
        switch self.origin {
        case .any, .fixed: self.responseHeaders(toOrigin: nil)
        case .listed, .reflected: nil
        }
    }

    /// The fields to add to the answer to a request that is no preflight.
    public func responseHeaders(for head: HTTPRequestHead) -> HTTPHeaders {
        self.responseHeaders(toOrigin: head.headers.first(name: "Origin"))
    }

    /// The whole answer to a preflight, an OPTIONS request: 204 with `Content-Length: 0`, for which Safari waits.
    public func preflightResponse(for head: HTTPRequestHead) -> HTTPResponse {
        var headers = self.responseHeaders(for: head)
        if !self.methods.isEmpty {
            headers.add(name: "Access-Control-Allow-Methods", value: self.methods.joined(separator: ","))
        }
        if let requestHeaders = self.requestHeaders {
            if !requestHeaders.isEmpty {
                headers.add(name: "Access-Control-Allow-Headers", value: requestHeaders.joined(separator: ","))
            }
        } else {
            let vary = headers.first(name: "Vary").map { "\($0), " } ?? ""
            headers.replaceOrAdd(name: "Vary", value: "\(vary)Access-Control-Request-Headers")
            let requested = head.headers["Access-Control-Request-Headers"].joined(separator: ", ")
            if !requested.isEmpty { headers.add(name: "Access-Control-Allow-Headers", value: requested) }
        }
        if let maximumAgeSeconds = self.maximumAgeSeconds {
            headers.add(name: "Access-Control-Max-Age", value: String(maximumAgeSeconds))
        }
        headers.add(name: "Content-Length", value: "0")
        return HTTPResponse(status: .noContent, headers: headers)
    }

    private func responseHeaders(toOrigin requestOrigin: String?) -> HTTPHeaders {
        var headers = HTTPHeaders()
        switch self.origin {
        case .any:
            headers.add(name: "Access-Control-Allow-Origin", value: "*")
        case .fixed(let origin):
            headers.add(name: "Access-Control-Allow-Origin", value: origin)
            headers.add(name: "Vary", value: "Origin")
        case .listed(let origins):
            if let requestOrigin, origins.contains(requestOrigin) {
                headers.add(name: "Access-Control-Allow-Origin", value: requestOrigin)
            }
            headers.add(name: "Vary", value: "Origin")
        case .reflected:
            if let requestOrigin { headers.add(name: "Access-Control-Allow-Origin", value: requestOrigin) }
            headers.add(name: "Vary", value: "Origin")
        }
        if self.allowsCredentials { headers.add(name: "Access-Control-Allow-Credentials", value: "true") }
        return headers
    }
}
