import Collector
import EventJSON
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// The admin door: status, reload and the log, apart from where events come in.
enum AdminServer {
    /// Begins to listen.
    static func start(at address: AdminAddress, _ running: RunningFlow) async throws -> HTTPServer {
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(listeners: [address.listener]),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "admin"),
            handler: handler(running, isSocket: { if case .socket = address { true } else { false } }())
        )
        try await server.start()
        return server
    }

    private static func handler(_ running: RunningFlow, isSocket: Bool) -> any HTTPHandler {
        var router = HTTPRouter(matching: .exact)
        router.on(.GET, "/health", HTTPResponseHandler { _ in json(.ok, ["status": "ok"]) })
        router.on(
            .GET,
            "/status",
            HTTPRequestHandler { _, responder in
                Task { responder.respond(json(.ok, await running.collector.status.json)) }
            }
        )
        router.on(
            .POST,
            "/reload",
            HTTPRequestHandler { _, responder in
                Task {
                    do {
                        try await running.reload()
                        responder.respond(json(.ok, ["success": true]))
                    } catch {
                        responder.respond(.failure(.badRequest, "\(error)"))
                    }
                }
            }
        )
        addLog(running, to: &router)
        router.notFound = HTTPResponseHandler { _ in .failure(.notFound, "Not found") }
        return isSocket ? router : LocalRequests(router)
    }

    private static func json(_ status: HTTPResponseStatus, _ value: JSONValue) -> HTTPResponse {
        .json(status, ByteBuffer(bytes: value.jsonText))
    }
}

/// Lets no page of a browser on this machine use the door: it would name another host, or its own origin.
private struct LocalRequests: HTTPHandler {
    private static let names = ["127.0.0.1", "localhost", "[::1]"]
    private let next: any HTTPHandler

    init(_ next: any HTTPHandler) {
        self.next = next
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        let host = head.headers.first(name: "Host") ?? ""
        let name = host.last == "]" ? host[...] : host.lastIndex(of: ":").map { host[..<$0] } ?? host[...]
        guard Self.names.contains(name.lowercased()), !head.headers.contains(name: "Origin") else {
            responder.respond(.failure(.forbidden, "this door is for programs on this machine"))
            return .ignore
        }
        return next.receive(head, responder)
    }
}
