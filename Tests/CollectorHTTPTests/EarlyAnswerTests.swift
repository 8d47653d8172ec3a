import Collector
import CollectorTesting
import EventJSON
import Synchronization
import TestSupport
import Testing

@testable import CollectorHTTP

/// What is answered before its outcome is known was at least taken.
@Suite("Early answers", .timeLimit(.minutes(1)))
struct EarlyAnswerTests {
    /// Takes nothing before it is opened.
    private final class Closed: Destination {
        let type = "closed"
        private let gate = AsyncStream<Void>.makeStream()
        private let count = Mutex(0)
        var deliveredCount: Int { count.withLock { $0 } }

        func open() { gate.continuation.finish() }

        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
            for await _ in gate.stream {}
            count.withLock { $0 += batch.deliveries.count }
            return batch.deliveries.map { _ in .delivered() }
        }
    }

    private func post(_ count: Int, port: Int) async throws -> HTTPAnswer {
        let list = Array(repeating: #"{"name":"page view"}"#, count: count).joined(separator: ",")
        return try await HTTPExchange.post(count == 1 ? list : "[\(list)]", port: port)
    }

    @Test("events that a full destination has no room for are never called taken")
    func full() async throws {
        var source = HTTPSource(id: "http")
        source.answersPOSTEarly = true
        source.answersGETEarly = true
        let closed = Closed()
        var configuration = DestinationConfiguration()
        configuration.maximumWaitingCount = 10
        let server = try await IngestServer(source, destination: configuration, instead: closed)
        #expect(try await post(6, port: server.port).status == 200)
        // Six of these find no room: the answer waits for what becomes of the other four.
        async let divided = post(10, port: server.port)
        while server.collector.status.destinations["d"]?.waitingCount != 10 { await Task.yield() }
        let single = try await post(1, port: server.port)
        #expect(single.status == 503)
        #expect(single.headers["retry-after"] == "1")
        let pixel = HTTPExchange.request("GET", "/collect?name=page+view")
        #expect(try await HTTPExchange.send(pixel, port: server.port).status == 503)
        #expect(try await post(3, port: server.port).status == 503)
        closed.open()
        let answer = try await divided
        #expect(answer.status == 207)
        let text = try JSONValue(jsonText: answer.text)
        #expect(text["processed"] == 4)
        #expect(text["failed"] == 6)
        #expect(closed.deliveredCount == 10)
        #expect(try await post(10, port: server.port).status == 200)
        await server.stop()
        #expect(closed.deliveredCount == 20)
    }
}
