import CollectorTesting
import EventJSON
import Synchronization
import Testing

@testable import Collector

/// The circuit breaker: what walkerOS passes over while it is open, waits here (breaker-001, 002, 004).
@Suite("Circuit breaker", .timeLimit(.minutes(1)))
struct BreakerTests {
    private let time = ManualTime()
    private let script = Script()

    /// The outcomes of the next attempts, delivered when there are none left, and the events that were attempted.
    private final class Script: Sendable {
        private let state = Mutex<(outcomes: [DeliveryOutcome], names: [String])>(([], []))

        var names: [String] { state.withLock { $0.names } }

        func begin(_ outcomes: [DeliveryOutcome]) {
            state.withLock { $0 = (outcomes, []) }
        }

        func next(_ name: String) -> DeliveryOutcome {
            state.withLock { state in
                state.names.append(name)
                return state.outcomes.isEmpty ? .delivered() : state.outcomes.removeFirst()
            }
        }
    }

    private func collector(_ breaker: JSONValue, _ outcomes: [DeliveryOutcome]) async -> Collector {
        script.begin(outcomes)
        let script = script
        let destination = RecordingDestination { script.next($0.event.name) }
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(["breaker": breaker], problems: &problems)
        #expect(problems.list.isEmpty)
        let registration = DestinationRegistration(id: "a", destination: destination, configuration: configuration)
        let collector = Collector(destinations: [registration], time: time.collectorTime)
        await collector.start()
        return collector
    }

    private func push(_ name: String, to collector: Collector) async -> PushResult {
        await collector.push(["name": .string(name)])
    }

    /// Lets the cooldown pass, and waits until the destination has been asked that often.
    private func coolDown(attempts: Int) async {
        while time.sleeperCount == 0 { await Task.yield() }
        time.advance(milliseconds: 60)
        while script.names.count < attempts { await Task.yield() }
    }

    private func phase(_ collector: Collector) -> CollectorStatus.BreakerPhase? {
        collector.status.destinations["a"]?.breaker
    }

    @Test("after failures in a row events wait; the oldest is the probe, and all are delivered in order")
    func opensAndCloses() async {
        let failure = DeliveryOutcome.rejected(reason: "down")
        let collector = await collector(["threshold": 2, "cooldown": 60], [failure, failure])
        #expect(await push("a one", to: collector).failed == ["a": "down"])
        #expect(phase(collector) == .closed)
        #expect(await push("a two", to: collector).failed == ["a": "down"])
        #expect(phase(collector) == .open)
        let held = await push("a three", to: collector)
        #expect(held.isOK && held.queued == ["a"])
        #expect(script.names.count == 2)
        await coolDown(attempts: 3)
        #expect(await push("a four", to: collector).done == ["a"])
        #expect(phase(collector) == .closed)
        #expect(script.names == ["a one", "a two", "a three", "a four"])
        #expect(collector.deadLetters(of: "a")?.map(\.event.name) == ["a one", "a two"])
    }

    @Test("a probe that fails opens it again")
    func reopens() async {
        let failure = DeliveryOutcome.rejected(reason: "down")
        let collector = await collector(["threshold": 1, "cooldown": 60], [failure, failure])
        #expect(await push("a one", to: collector).failed == ["a": "down"])
        #expect(await push("a two", to: collector).queued == ["a"])
        await coolDown(attempts: 2)
        while phase(collector) != .open { await Task.yield() }
        #expect(await push("a three", to: collector).queued == ["a"])
        #expect(collector.deadLetters(of: "a")?.map(\.event.name) == ["a one", "a two"])
        await coolDown(attempts: 3)
        #expect(script.names == ["a one", "a two", "a three"])
    }

    @Test("what may succeed later is kept however often the probe fails: nothing becomes a dead letter")
    func keepsTransientFailures() async {
        let down = DeliveryOutcome.retry(reason: "down")
        let collector = await collector(1, [down, down, down])
        #expect(await push("a one", to: collector).queued == ["a"])
        for attempt in 2...4 {
            // Once the probe has failed, its own time limit no longer sleeps, and the next sleeper is the cooldown.
            while phase(collector) != .open { await Task.yield() }
            while time.sleeperCount == 0 { await Task.yield() }
            time.advance(milliseconds: 30_000)
            while script.names.count < attempt { await Task.yield() }
        }
        while collector.status.destinations["a"]?.deliveredCount == 0 { await Task.yield() }
        #expect(script.names == Array(repeating: "a one", count: 4))
        #expect(collector.deadLetters(of: "a")?.isEmpty == true)
        #expect(collector.status.destinations["a"]?.deliveredCount == 1)
    }

    @Test("a shutdown gives what waits one more attempt")
    func shutdown() async {
        let collector = await collector(1, [.rejected(reason: "down")])
        _ = await push("a one", to: collector)
        #expect(await push("a two", to: collector).queued == ["a"])
        await collector.shutdown()
        #expect(script.names == ["a one", "a two"])
    }

    static let unusable: [JSONValue] = [0, "x", ["threshold": 0], ["cooldown": 1.5], ["limit": 3]]

    @Test("options that cannot be honoured are refused", arguments: unusable)
    func refused(_ breaker: JSONValue) {
        var problems = ConfigurationProblems()
        _ = DestinationConfiguration(["breaker": breaker], problems: &problems)
        #expect(problems.list.count == 1)
    }
}
