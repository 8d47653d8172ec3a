import EventJSON
import TestSupport
import Testing

@testable import Collector

/// Recorded scenarios with steps that we deliberately answer differently: what happens here instead.
@Suite("Differences: steps")
struct StepDifferenceTests {
    private func play(_ id: String) async throws -> (scenario: Scenario, results: [JSONValue]) {
        let vector = try #require(Fixtures.vectors("walkeros/collector.json").first { $0.id == id })
        let scenario = try Scenario(vector)
        await scenario.collector.start()
        var results: [JSONValue] = []
        for step in vector.json["steps"].array ?? [] { results.append(await scenario.play(step)) }
        return (scenario, results)
    }

    @Test("before-005: an event does not pass by a transformer that is not there; it becomes a dead letter")
    func unknownTransformer() async throws {
        let (scenario, results) = try await play("before-005")
        #expect(results == [["ok": false, "failed": ["a": "there is no transformer \"nope\""]]])
        #expect(scenario.destinations["a"]?.recorded.deliveries.isEmpty == true)
        #expect(scenario.collector.deadLetters(of: "a")?.map(\.reason) == ["there is no transformer \"nope\""])
    }

    @Test("before-008: a route at a destination looks at the event")
    func routeByEvent() async throws {
        let (scenario, _) = try await play("before-008")
        #expect(scenario.destinations["a"]?.recorded.deliveries.map { $0.event[.data]["t"] } == [1])
    }

    @Test("cache-007: a failed delivery is not remembered, so the same event is tried again")
    func failedDelivery() async throws {
        let (scenario, results) = try await play("cache-007")
        #expect(results == [["ok": false, "failed": ["a": "push failed"]], ["ok": true, "done": ["a": [:]]]])
        #expect(scenario.destinations["a"]?.recorded.deliveries.count == 1)
    }
}
