import Metrics
import NIOHTTP1

/// What a server counts: open connections, and answers by class of status.
struct HTTPServerMetrics: Sendable {
    private let connections: Meter
    private let answers: [Counter]

    init() {
        self.connections = Meter(label: "http_server_connections")
        self.answers = (1...5).map { statusClass in
            Counter(label: "http_server_responses_total", dimensions: [("status", "\(statusClass)xx")])
        }
    }

    func connectionOpened() {
        self.connections.increment()
    }

    func connectionClosed() {
        self.connections.decrement()
    }

    func recordAnswer(_ status: HTTPResponseStatus) {
        self.answers[min(max(Int(status.code) / 100, 1), 5) - 1].increment()
    }
}
