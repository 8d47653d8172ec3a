public import Collector
import EventJSON
public import HTTPServer
import NIOCore
import NIOHTTP1

/// Everything an ingest port serves: health, readiness, and the paths of its sources.
///
/// ```swift
/// let handler = IngestRoutes.handler(sources: [HTTPSource(id: "http")], collector: collector) { .ready }
/// let server = HTTPServer(configuration: configuration, logger: logger, handler: handler)
/// ```
public enum IngestRoutes {
    /// Whether the daemon can do its work.
    public enum Readiness: Sendable {
        /// Yes.
        case ready
        /// Not yet, or no more; the text says why.
        case notReady(reason: String)
    }

    /// A handler for these sources. `/health` always answers 200, `/ready` as `readiness` says.
    public static func handler(
        sources: [HTTPSource],
        collector: Collector,
        readiness: @escaping @Sendable () -> Readiness
    ) -> any HTTPHandler {
        var next: any HTTPHandler = HTTPResponseHandler { _ in .failure(.notFound, "Not found") }
        for source in sources.reversed() {
            var router = HTTPRouter(matching: source.style == .express ? .express : .exact)
            for path in source.paths {
                let isPrefix = source.style == .fetch && path.path.hasSuffix("/*")
                let pattern: HTTPPathPattern =
                    isPrefix ? .prefix(String(path.path.dropLast(2))) : .exact(path.path)
                router.onAnyMethod(pattern, IngestHandler(source: source, path: path, collector: collector))
            }
            router.notFound = next
            next = router
        }
        var router = HTTPRouter(matching: .exact)
        router.on([.GET, .HEAD], "/health", HTTPResponseHandler { _ in json(.ok, #"{"status":"ok"}"#) })
        router.on(
            [.GET, .HEAD],
            "/ready",
            HTTPResponseHandler { _ in
                switch readiness() {
                case .ready: json(.ok, #"{"status":"ready"}"#)
                case .notReady(let reason): HTTPResponse.notReady(reason)
                }
            }
        )
        router.notFound = next
        return router
    }

    private static func json(_ status: HTTPResponseStatus, _ text: String) -> HTTPResponse {
        .json(status, ByteBuffer(string: text))
    }
}

extension HTTPResponse {
    fileprivate static func notReady(_ reason: String) -> HTTPResponse {
        let text = JSONValue.object(["status": "not_ready", "reason": .string(reason)]).jsonText
        return .json(.serviceUnavailable, ByteBuffer(bytes: text))
    }
}
