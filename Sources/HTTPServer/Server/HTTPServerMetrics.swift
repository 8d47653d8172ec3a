import Metrics
import NIOHTTP1

/// What a server counts.
///
/// The meter `http_server_connections` is the number of open connections; the counter
/// `http_server_connections_refused_total` counts those of clients that had too many; the counters
/// `http_server_responses_total` are the answers, by the class of their status (`status` is `2xx` and so on).
struct HTTPServerMetrics: Sendable {
    private let connections: Meter
    private let refusedConnections: Counter
    private let answers: [Counter]

    init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.connections = Meter(label: "http_server_connections", factory: factory)
        self.refusedConnections = Counter(label: "http_server_connections_refused_total", factory: factory)
        self.answers = (1...5).map { statusClass in
            let dimensions = [("status", "\(statusClass)xx")]
            return Counter(label: "http_server_responses_total", dimensions: dimensions, factory: factory)
        }
    }

    func connectionOpened() {
        self.connections.increment()
    }

    func connectionClosed() {
        self.connections.decrement()
    }

    func connectionRefused() {
        self.refusedConnections.increment()
    }

    func recordAnswer(_ status: HTTPResponseStatus) {
        self.answers[min(max(Int(status.code) / 100, 1), 5) - 1].increment()
    }
}
