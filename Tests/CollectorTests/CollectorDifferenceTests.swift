import EventJSON
import TestSupport
import Testing

@testable import Collector

/// The recorded scenarios in which we deliberately do something else, and what we do.
@Suite("Differences from recorded scenarios")
struct CollectorDifferenceTests {
    /// What happens here.
    struct Outcome {
        /// The results of the steps, as JSON.
        let results: String
        /// The names of the events that each destination was given, in order.
        let delivered: [String: [String]]
        /// How many events each destination keeps for later.
        var held: [String: Int] = [:]
        var initializeCounts: [String: Int] = [:]
    }

    private static let queued = #"{"ok":true,"queued":["a"]}"#
    private static let done = #"{"ok":true,"done":{"a":{}}}"#

    /// By the recording's id; those of the breaker are in `BreakerTests`, of steps in `StepDifferenceTests`.
    static let outcomes: [String: Outcome] = [
        "event-015": Outcome(
            results: #"[{"ok":false}]"#,
            delivered: ["a": []]
        ),
        "consent-004": Outcome(
            results: "[\(queued),\(done)]",
            delivered: ["a": ["a two"]],
            held: ["a": 1]
        ),
        "consent-014": Outcome(
            results: "[\(queued),\(queued),\(done),\(done)]",
            delivered: ["a": ["a one", "a two"]]
        ),
        "consent-018": Outcome(
            results: "[\(queued),\(queued)]",
            delivered: ["a": []],
            held: ["a": 1]
        ),
        "init-002": Outcome(
            results: #"[{"ok":true,"done":{"b":{}},"queued":["a"]},{"ok":true,"done":{"b":{}},"queued":["a"]}]"#,
            delivered: ["a": [], "b": ["a one", "a two"]],
            held: ["a": 2],
            initializeCounts: ["a": 2]
        ),
        "init-003": Outcome(
            results: #"[{"ok":true,"done":{"b":{}},"queued":["a"]}]"#,
            delivered: ["a": [], "b": ["a one"]],
            held: ["a": 1],
            initializeCounts: ["a": 1]
        ),
        "init-004": Outcome(
            results: "[\(queued),\(done)]",
            delivered: ["a": ["a one", "a two"]],
            initializeCounts: ["a": 2]
        ),
        "late-008": Outcome(
            results: #"[{"ok":true,"done":{"now":{}}},{"ok":true},{"ok":true,"done":{"late":{}}}]"#,
            delivered: ["now": ["a one"], "late": ["a one"]]
        ),
        "race-001": Outcome(
            results: "[[\(done),\(done),\(done)]]",
            delivered: ["a": ["a one", "a two", "a three"]],
            initializeCounts: ["a": 1]
        ),
        "race-002": Outcome(
            results: "[\(queued),\(queued),\(queued),\(done)]",
            delivered: ["a": ["a one", "a two", "a three"]]
        ),
        "race-003": Outcome(
            results: "[[\(done),\(done)]]",
            delivered: ["a": ["a one", "a two"]]
        ),
        "batch-009": Outcome(
            results: #"[{"ok":true}]"#,
            delivered: ["a": []]
        ),
        "cmd-010": Outcome(
            results: #"[{"ok":true},{"ok":false}]"#,
            delivered: ["d": []]
        ),
    ]

    @Test("every difference is asserted")
    func complete() {
        let asserted = Set(Self.outcomes.keys).union(["breaker-001", "breaker-002", "breaker-004"])
            .union(["before-005", "before-008", "cache-007"])
        #expect(asserted == Set(Differences.collector.keys))
    }

    @Test(
        "difference",
        .timeLimit(.minutes(1)),
        arguments: Fixtures.vectors("walkeros/collector.json").filter { outcomes[$0.id] != nil }
    )
    func difference(_ vector: Vector) async throws {
        let expected = try #require(Self.outcomes[vector.id])
        let scenario = try Scenario(vector)
        let results = await scenario.play(settledCounts: expected.delivered.mapValues(\.count))
        #expect(JSONValue.array(results).text == expected.results)
        let status = scenario.collector.status
        for (id, names) in expected.delivered {
            let recorded = try #require(scenario.destinations[id]).recorded
            #expect(recorded.deliveries.map(\.event.name) == names, "\(id)")
            #expect(status.destinations[id]?.heldCount ?? 0 == expected.held[id] ?? 0, "\(id)")
            if let count = expected.initializeCounts[id] { #expect(recorded.initializeCount == count, "\(id)") }
        }
    }

    @Test("an event keeps the user it was captured with, however late its destination comes")
    func capturedUser() async throws {
        let vector = try #require(Fixtures.vectors("walkeros/collector.json").first { $0.id == "late-008" })
        let scenario = try Scenario(vector)
        _ = await scenario.play(settledCounts: ["now": 1, "late": 1])
        let users = scenario.destinations.values.flatMap { $0.recorded.deliveries.map { $0.event[.user]["id"] } }
        // The collector's user at delivery is laid under the event's own; the captured one stays.
        #expect(users == ["old", "old"])
    }
}
