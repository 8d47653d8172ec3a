import Collector
import CollectorTesting
import EventJSON
import RedisStreamsDestination
import Testing

@Suite("Destination contract: redis", .timeLimit(.minutes(3)))
struct RedisContractTests {
    @Test("shared streams", arguments: DestinationContract.scenarios(for: SharedSubject.self))
    func shared(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: SharedSubject.self)
    }

    @Test("a single writer: no duplicates", arguments: DestinationContract.scenarios(for: SingleWriterSubject.self))
    func singleWriter(_ scenario: DestinationContract.Scenario) async throws {
        let counts = try await DestinationContract.check(scenario, of: SingleWriterSubject.self)
        #expect(counts.duplicateCount == 0)
    }
}

/// A redis-server that is killed, frozen, and has a key of another type in the place of a stream.
private struct RedisBackend: Sendable {
    let server: RedisServer
    let configuration: JSONObject

    init() async throws {
        server = try await BlockingWork.run { try RedisServer(["--appendonly", "yes", "--appendfsync", "always"]) }
        configuration = ["mapping": ["contract": ["refused": ["settings": ["streamKey": "contract:text"]]]]]
    }

    func makeDestination(isSingleWriter: Bool) -> any Destination {
        var settings = RedisStreamsSettings(streamKey: "contract:events")
        settings.configuration.endpoint = .unix(path: server.socketPath)
        settings.configuration.commandTimeout = .milliseconds(500)
        settings.configuration.connectTimeout = .milliseconds(500)
        settings.isSingleWriter = isSingleWriter
        return RedisStreamsDestination(settings: settings)
    }

    func setWeather(_ weather: DestinationContract.Weather) async throws {
        try await BlockingWork.run { [server] in
            switch weather {
            case .fair:
                server.resume()
                try server.start()
            case .down: server.kill()
            case .hanging: server.freeze()
            case .refusing: _ = try server.probe().command("SET", "contract:text", "no stream")
            }
        }
    }

    func arrivedEventIDs() async throws -> [String] {
        try await BlockingWork.run { [server] in
            try server.probe().command("XRANGE", "contract:events", "-", "+").elements.compactMap { entry in
                guard let text = entry.elements.last?.elements.last?.text else { return nil }
                return try JSONValue(jsonText: text)["id"].string
            }
        }
    }
}

private struct SharedSubject: DestinationContractSubject {
    private let backend: RedisBackend
    let maximumDuplicateCount = 256

    init() async throws { backend = try await RedisBackend() }

    var configuration: JSONObject { backend.configuration }
    func makeDestination() -> any Destination { backend.makeDestination(isSingleWriter: false) }
    func setWeather(_ weather: DestinationContract.Weather) async throws { try await backend.setWeather(weather) }
    func arrivedEventIDs() async throws -> [String] { try await backend.arrivedEventIDs() }
}

private struct SingleWriterSubject: DestinationContractSubject {
    private let backend: RedisBackend

    init() async throws { backend = try await RedisBackend() }

    var configuration: JSONObject { backend.configuration }
    func makeDestination() -> any Destination { backend.makeDestination(isSingleWriter: true) }
    func setWeather(_ weather: DestinationContract.Weather) async throws { try await backend.setWeather(weather) }
    func arrivedEventIDs() async throws -> [String] { try await backend.arrivedEventIDs() }
}
