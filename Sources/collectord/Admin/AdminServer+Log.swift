import Collector
import DurableLog
import EventJSON
import EventLog
import Foundation
import HTTPServer
import NIOCore
import NIOHTTP1

/// The log through the admin door: looking at it, replays, dead letters.
extension AdminServer {
    /// As many messages as one answer has.
    static let maximumCount = 1000

    static func addLog(_ running: RunningFlow, to router: inout HTTPRouter) {
        addFollowing(running, to: &router)
        on(.GET, "/log/streams", running, &router) { data, _ in
            let names = data.store.names(prefix: "", after: nil, maximumCount: 10_000)
            let list = names.compactMap { try? data.store.status(of: $0).get() }.map(LogMessageText.json)
            return .json(.ok, ByteBuffer(bytes: JSONValue.array(list).jsonText))
        }
        on(.GET, "/log/messages", running, &router) { data, query in
            guard let stream = query["stream"] else { throw CommandError("\"stream\" is missing") }
            let offset = query["from"].flatMap { StreamOffset($0) } ?? .zero
            let count = min(query["count"].flatMap { Int($0) } ?? 100, maximumCount)
            return try await messages(data, stream, from: offset, maximumCount: max(count, 1))
        }
        on(.POST, "/log/replay", running, &router) { _, query in
            let (start, end) = (query["from"].flatMap { UInt64($0) } ?? 0, query["to"].flatMap { UInt64($0) } ?? .max)
            guard start <= end else { throw CommandError("the range ends before it begins") }
            try await running.collector.replay(start..<end, to: try destination(query))
            return success
        }
        on(.POST, "/log/forget", running, &router) { data, query in
            try await forget(running, data, try destination(query))
            return success
        }
        on(.POST, "/dead-letters/replay", running, &router) { _, query in
            let end = query["to"].flatMap { UInt64($0) } ?? .max
            try await running.collector.replayDeadLetters(before: end, to: try destination(query))
            return success
        }
        on(.POST, "/dead-letters/drop", running, &router) { data, query in
            let end = query["to"].flatMap { UInt64($0) } ?? .max
            try await data.log.dropDeadLetters(before: end, of: try destination(query))
            return success
        }
    }

    /// The messages behind an offset, as lines.
    static func messages(
        _ data: DataDirectory,
        _ stream: String,
        from offset: StreamOffset,
        maximumCount: Int = maximumCount
    ) async throws -> HTTPResponse {
        let page: StreamPage
        do throws(StreamStoreError) {
            page = try await data.store.read(stream, from: offset, maximumByteCount: 1 << 20)
        } catch {
            guard case .gone(let earliest) = error else { throw CommandError("\(stream): \(error)") }
            page = try await data.store.read(stream, from: earliest, maximumByteCount: 1 << 20)
        }
        return HTTPResponse(
            status: .ok,
            headers: ["Content-Type": "application/x-ndjson"],
            body: ByteBuffer(bytes: LogMessageText.lines(LogMessageText.page(page, maximumCount: maximumCount)))
        )
    }

    private static func forget(_ running: RunningFlow, _ data: DataDirectory, _ destination: String) async throws {
        let present = await running.collector.status.destinations.keys
        guard !present.contains(destination) else {
            throw CommandError("destination \"\(destination)\" is in the flow, and gets its events")
        }
        data.log.forget(destination)
    }

    private static var success: HTTPResponse { .json(.ok, ByteBuffer(string: #"{"success":true}"#)) }

    private static func destination(_ query: [String: String]) throws -> String {
        guard let destination = query["destination"] else { throw CommandError("\"destination\" is missing") }
        return destination
    }

    private static func on(
        _ method: HTTPMethod,
        _ path: HTTPPathPattern,
        _ running: RunningFlow,
        _ router: inout HTTPRouter,
        _ answer: @escaping @Sendable (DataDirectory, [String: String]) async throws -> HTTPResponse
    ) {
        router.on(
            method,
            path,
            HTTPRequestHandler { request, responder in
                let query = query(of: request.head)
                Task {
                    responder.respond(await response(running) { try await answer($0, query) })
                }
            }
        )
    }

    static func query(of head: HTTPRequestHead) -> [String: String] {
        let items = URLComponents(string: head.uri)?.queryItems ?? []
        return Dictionary(items.map { ($0.name, $0.value ?? "") }) { _, last in last }
    }

    /// An answer from the log, or why there is none.
    static func response(
        _ running: RunningFlow,
        _ answer: (DataDirectory) async throws -> HTTPResponse
    ) async -> HTTPResponse {
        guard let data = running.data else {
            return .failure(.conflict, "the daemon keeps events in memory only")
        }
        do { return try await answer(data) } catch { return .failure(.badRequest, "\(error)") }
    }
}
