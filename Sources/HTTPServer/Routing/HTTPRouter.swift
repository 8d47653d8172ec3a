public import NIOHTTP1

/// Chooses a handler by method and path.
///
/// Routes are tried in the order they were added. A path that no route takes goes to ``notFound``, a path with other
/// methods to ``methodNotAllowed``. The query is not part of the path, and nothing is percent-decoded before comparing.
///
/// ```swift
/// var router = HTTPRouter(matching: .express)
/// router.on(.POST, "/collect", collect)
/// router.on(.GET, .prefix("/v1/stream"), streams)
/// let server = HTTPServer(configuration: configuration, logger: logger, handler: router)
/// ```
public struct HTTPRouter: HTTPHandler {
    private struct Route {
        /// Nil takes every method.
        let methods: [HTTPMethod]?
        let path: HTTPPathMatcher
        let handler: any HTTPHandler
    }

    private let matching: HTTPPathMatching
    private var routes: [Route] = []

    /// Answers requests for paths that no route takes.
    ///
    /// Default: 404 in the house's JSON envelope.
    public var notFound: any HTTPHandler

    /// Makes the answer to requests for a known path with another method; the server's `Allow` field is added to it.
    ///
    /// Default: 405 in the house's JSON envelope.
    public var methodNotAllowed: @Sendable (HTTPRequestHead) -> HTTPResponse

    /// Creates a router without routes.
    public init(matching: HTTPPathMatching = .exact) {
        self.matching = matching
        self.notFound = HTTPResponseHandler { _ in .failure(.notFound, "Not found") }
        self.methodNotAllowed = { _ in .failure(.methodNotAllowed, "Method not allowed") }
    }

    /// Adds a route for one method.
    ///
    /// A route for GET does not take HEAD.
    public mutating func on(_ method: HTTPMethod, _ path: HTTPPathPattern, _ handler: any HTTPHandler) {
        self.on([method], path, handler)
    }

    /// Adds a route for several methods.
    public mutating func on(_ methods: [HTTPMethod], _ path: HTTPPathPattern, _ handler: any HTTPHandler) {
        self.routes.append(Route(methods: methods, path: HTTPPathMatcher(path, self.matching), handler: handler))
    }

    /// Adds a route for every method.
    public mutating func onAnyMethod(_ path: HTTPPathPattern, _ handler: any HTTPHandler) {
        self.routes.append(Route(methods: nil, path: HTTPPathMatcher(path, self.matching), handler: handler))
    }

    /// Hands the request to its route's handler.
    public func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        let path = head.path
        var pathIsKnown = false
        for route in self.routes where route.path.matches(path) {
            guard let methods = route.methods else { return route.handler.receive(head, responder) }
            if methods.contains(head.method) { return route.handler.receive(head, responder) }
            pathIsKnown = true
        }
        guard pathIsKnown else { return self.notFound.receive(head, responder) }
        var response = self.methodNotAllowed(head)
        response.headers.replaceOrAdd(name: "Allow", value: self.allowedMethods(path))
        responder.respond(response)
        return .ignore
    }

    /// The methods of all routes that take the path, for the `Allow` field.
    private func allowedMethods(_ path: Substring) -> String {
        var names: [String] = []
        for route in self.routes where route.path.matches(path) {
            for method in route.methods ?? [] where !names.contains(method.rawValue) { names.append(method.rawValue) }
        }
        return names.joined(separator: ", ")
    }
}

/// A handler that answers from the head alone.
public struct HTTPResponseHandler: HTTPHandler {
    private let respond: @Sendable (HTTPRequestHead) -> HTTPResponse

    /// Creates a handler.
    ///
    /// The closure runs on the connection's event loop and must not block.
    public init(_ respond: @escaping @Sendable (HTTPRequestHead) -> HTTPResponse) {
        self.respond = respond
    }

    /// Answers; the body is dropped.
    public func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        responder.respond(self.respond(head))
        return .ignore
    }
}
