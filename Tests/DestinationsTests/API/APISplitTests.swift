import Collector
import EventJSON
import NIOHTTP1
import Testing

@testable import Destinations

@Suite("api: a batch that is refused for one event's fault", .timeLimit(.minutes(1)))
struct APISplitTests {
    private func batch(_ count: Int) throws -> DeliveryBatch {
        let deliveries = try (0..<count).map { number in
            Delivery(event: try event(["id": .string("e\(number)")]), data: ["n": .number(JSONNumber(number))])
        }
        return DeliveryBatch(deliveries, isGathered: true)
    }

    @Test("is sent again in halves until the event stands alone", arguments: [400, 413, 422])
    func halves(status: Int) async throws {
        // All eight, the first half with event 2 in it, its first half, its second half, event 2 alone, 3, the rest.
        let refused = APIService.Answer.status(status)
        let ok = APIService.Answer.status(200)
        let service = APIService([refused, refused, ok, refused, refused, ok, ok])
        let destination = try await apiDestination(["url": .string(try await service.start())])
        let outcomes = await destination.deliver(try batch(8))
        #expect(outcomes.map { $0 == .ok } == [true, true, false, true, true, true, true, true])
        #expect(outcomes[2].rejectionReason == "the service answered \(status)")
        #expect(
            service.requests.map(\.body) == [
                #"[{"n":0},{"n":1},{"n":2},{"n":3},{"n":4},{"n":5},{"n":6},{"n":7}]"#,
                #"[{"n":0},{"n":1},{"n":2},{"n":3}]"#, #"[{"n":0},{"n":1}]"#, #"[{"n":2},{"n":3}]"#, #"[{"n":2}]"#,
                #"[{"n":3}]"#, #"[{"n":4},{"n":5},{"n":6},{"n":7}]"#,
            ]
        )
        // Each has a key of its own: none is taken for one that was refused.
        #expect(Set(service.requests.map { $0.headers.first(name: "Idempotency-Key") ?? "" }).count == 7)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("what comes after a half that is to be tried again waits")
    func retried() async throws {
        let service = APIService([.status(422), .status(200), .status(503)])
        let destination = try await apiDestination(["url": .string(try await service.start())])
        let outcomes = await destination.deliver(try batch(4))
        #expect(outcomes.prefix(2) == [.ok, .ok])
        #expect(outcomes.suffix(2).compactMap(\.retryReason).count == 2)
        #expect(service.requests.count == 3)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("a wrong place is no fault of the events: nothing is sent again")
    func elsewhere() async throws {
        let service = APIService([.status(404)])
        let destination = try await apiDestination(["url": .string(try await service.start())])
        let outcomes = await destination.deliver(try batch(4))
        #expect(outcomes.compactMap(\.rejectionReason).count == 4)
        #expect(service.requests.count == 1)
        try await destination.destroy(.test)
        await service.stop()
    }
}
