import Collector
import Destinations
import EventJSON
import Foundation
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Destinations

/// A web service that answers as it is told, one answer for each request, then 200.
final class APIService: Sendable {
    struct Request: Sendable {
        let method: String
        let target: String
        let headers: HTTPHeaders
        let body: String
    }

    enum Answer: Sendable {
        case status(Int, HTTPHeaders = [:], String = "")
        /// None, as long as the service lives.
        case silence
        /// A body that does not end; so many bytes of it are sent.
        case endless(Int)
    }

    private struct State {
        var answers: [Answer]
        var requests: [Request] = []
        /// Kept so that they stay without an end.
        var kept: [HTTPResponder] = []
        var streams: [HTTPResponseStream] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>
    private let server: Mutex<HTTPServer?> = Mutex(nil)
    private let portNumber = Mutex(0)

    init(_ answers: [Answer] = []) {
        state = Mutex(State(answers: answers))
    }

    var requests: [Request] { state.withLock { $0.requests } }
    var port: Int { portNumber.withLock { $0 } }

    /// An address of this machine where nobody listens but who asks for it: a port that is let go stays free there.
    static let quietHost = "127.77.0.1"

    /// Starts on a free port, or the one given, and returns the URL of `/in`.
    @discardableResult
    func start(host: String = "127.0.0.1", port: Int = 0) async throws -> String {
        var configuration = HTTPServerConfiguration(listeners: [.tcp(host: host, port: port)])
        configuration.eventLoopCount = 1
        let server = HTTPServer(
            configuration: configuration,
            logger: Logger(label: "service") { _ in SwiftLogNoOpLogHandler() },
            handler: HTTPRequestHandler { request, responder in self.answer(request, responder) }
        )
        try await server.start()
        self.server.withLock { $0 = server }
        let bound = server.boundAddresses.first?.port ?? 0
        portNumber.withLock { $0 = bound }
        return "http://\(host):\(bound)/in"
    }

    private func answer(_ request: HTTPRequest, _ responder: HTTPResponder) {
        let received = Request(
            method: request.head.method.rawValue,
            target: request.head.uri,
            headers: request.head.headers,
            body: String(buffer: request.body)
        )
        let (answer, due) = state.withLock { state in
            state.requests.append(received)
            let answer = state.answers.isEmpty ? Answer.status(200) : state.answers.removeFirst()
            if case .silence = answer { state.kept.append(responder) }
            let count = state.requests.count
            let due = state.waiters.filter { $0.count <= count }
            state.waiters.removeAll { $0.count <= count }
            return (answer, due)
        }
        switch answer {
        case .status(let status, let headers, let body):
            let code = HTTPResponseStatus(statusCode: status)
            responder.respond(HTTPResponse(status: code, headers: headers, body: ByteBuffer(string: body)))
        case .silence: break
        case .endless(let count):
            let stream = responder.begin(HTTPResponse(status: .ok))
            stream.write(ByteBuffer(repeating: 0x78, count: count))
            state.withLock { $0.streams.append(stream) }
        }
        for waiter in due { waiter.continuation.resume() }
    }

    /// Waits until so many requests have come.
    func received(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state in
                if state.requests.count < count { state.waiters.append((count, continuation)) }
                return state.requests.count >= count
            }
            if isDue { continuation.resume() }
        }
    }

    /// Answers 200 to those that got silence so far.
    func release() {
        let kept = state.withLock { state in
            let kept = state.kept
            state.kept = []
            return kept
        }
        for responder in kept { responder.respond(HTTPResponse(status: .ok)) }
    }

    func stop() async {
        await server.withLock { $0 }?.shutdown(timeoutMilliseconds: 0)
    }
}

/// An event with these members.
func event(_ members: JSONObject = [:]) throws -> Event {
    var object: JSONObject = ["name": "page view", "id": "e1"]
    for member in members { object[member.name] = member.value }
    return try Event(jsonText: JSONValue.object(object).jsonText)
}

/// Settings that must be right.
func apiSettings(_ settings: JSONValue) throws -> APISettings {
    var problems = ConfigurationProblems()
    let parsed = APISettings(settings, path: [], problems: &problems)
    if let problem = problems.list.first { throw problem }
    return try #require(parsed)
}

/// A destination that has been started.
func apiDestination(_ settings: JSONValue, resolver: HostResolver? = nil) async throws -> APIDestination {
    let destination = APIDestination(try apiSettings(settings), resolver: resolver)
    #expect(try await destination.initialize(.test) == .ready)
    return destination
}

extension DestinationContext {
    static var test: DestinationContext {
        DestinationContext(id: "d", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

extension APIDestination {
    /// What becomes of one event.
    func deliver(_ event: Event, data: JSONValue = .missing) async -> DeliveryOutcome {
        await deliver(DeliveryBatch([Delivery(event: event, data: data)])).first ?? .rejected(reason: "no outcome")
    }
}

extension DeliveryOutcome {
    /// Why it is tried again; nil if it is not.
    var retryReason: String? {
        if case .retry(_, let reason) = self { reason } else { nil }
    }

    var rejectionReason: String? {
        if case .rejected(let reason) = self { reason } else { nil }
    }

    static let ok = DeliveryOutcome.delivered(response: ["status": 200])
}
