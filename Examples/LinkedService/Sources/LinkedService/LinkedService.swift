import Collector
import EventJSON
import Logging
import RedisStreamsDestination

/// A service that collects its own events and writes them to a Redis stream: no daemon, no HTTP server.
///
/// Without Redis the event is reported as failed, with the reason, and kept as a dead letter.
@main
struct LinkedService {
    static func main() async throws {
        var settings = RedisStreamsSettings(streamKey: "service:events")
        settings.configuration.commandTimeout = .milliseconds(500)
        var configuration = DestinationConfiguration()
        configuration.timeoutMilliseconds = 500
        configuration.mapping = try Mapping([
            "policy": ["user.email": ["key": "user.email", "fn": ["trim", "lowercase", "sha256"]]]
        ])
        let collector = Collector(destinations: [
            DestinationRegistration(
                id: "redis",
                destination: RedisStreamsDestination(settings: settings),
                configuration: configuration
            )
        ])
        await collector.start()
        let result = await collector.push([
            "name": "order complete",
            "data": ["total": 42.5, "currency": "EUR"],
            "user": ["email": "jane@example.com"],
        ])
        print(result.isOK ? "delivered event \(result.eventID ?? "")" : "not delivered: \(result.failed)")
        await collector.shutdown()
    }
}
