import Collector
import CollectorTesting
import EventJSON
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Destinations

@Suite("Destination contract: api", .timeLimit(.minutes(2)))
struct APIContractTests {
    @Test("a web service", arguments: DestinationContract.scenarios(for: APISubject.self))
    func contract(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: APISubject.self)
    }
}

/// A web service that knows what it has by `Idempotency-Key`, is overloaded, silent, or refuses an event.
private final class APISubject: DestinationContractSubject {
    private struct State {
        var weather = DestinationContract.Weather.fair
        var keys: Set<String> = []
        var ids: [String] = []
        /// Kept, so that nobody gets an answer.
        var silent: [HTTPResponder] = []
    }

    private let state = Mutex(State())
    private let server = Mutex<HTTPServer?>(nil)

    init() async throws {
        var configuration = HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
        configuration.eventLoopCount = 1
        let server = HTTPServer(
            configuration: configuration,
            logger: Logger(label: "service") { _ in SwiftLogNoOpLogHandler() },
            handler: HTTPRequestHandler { [weak self] request, responder in
                if let status = self?.status(of: request, responder) {
                    responder.respond(HTTPResponse(status: status))
                }
            }
        )
        try await server.start()
        self.server.withLock { $0 = server }
    }

    deinit {
        guard let server = server.withLock({ $0 }) else { return }
        Task { await server.shutdown(timeoutMilliseconds: 0) }
    }

    func makeDestination() throws -> any Destination {
        let port = server.withLock { $0?.boundAddresses.first?.port } ?? 0
        return try APIDestination(settings: ["url": .string("http://127.0.0.1:\(port)/events"), "timeout": 20_000])
    }

    func setWeather(_ weather: DestinationContract.Weather) {
        let silent = state.withLock { state in
            state.weather = weather
            let silent = state.silent
            state.silent = []
            return silent
        }
        for responder in silent { responder.respond(HTTPResponse(status: .ok)) }
    }

    func arrivedEventIDs() -> [String] { state.withLock { $0.ids } }

    /// Nil for no answer.
    private func status(of request: HTTPRequest, _ responder: HTTPResponder) -> HTTPResponseStatus? {
        guard let body = try? JSONValue(jsonText: String(buffer: request.body), limits: JSONLimits()),
            let key = request.head.headers.first(name: "Idempotency-Key")
        else { return .badRequest }
        let events = body.array ?? [body]
        return state.withLock { state in
            switch state.weather {
            case .down: return .serviceUnavailable
            case .refusing where events.contains { $0["name"] == "contract refused" }: return .unprocessableEntity
            default: break
            }
            if state.keys.insert(key).inserted { state.ids += events.compactMap(\.["id"].string) }
            if state.weather == .hanging {
                state.silent.append(responder)
                return nil
            }
            return .ok
        }
    }
}
