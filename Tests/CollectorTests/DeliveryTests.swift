import CollectorTesting
import EventJSON
import Logging
import Synchronization
import Testing

@testable import Collector

@Suite("Delivery", .timeLimit(.minutes(1)))
struct DeliveryTests {
    @Test("many tasks at once: every event once, in the order of its count")
    func order() async {
        let destination = RecordingDestination()
        let collector = Collector(destinations: [DestinationRegistration(id: "d", destination: destination)])
        await collector.start()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<20 {
                group.addTask {
                    for number in 0..<50 {
                        let result = await collector.push([
                            "name": "a b",
                            "data": ["task": .number(JSONNumber(task)), "n": .number(JSONNumber(number))],
                        ])
                        #expect(result.isOK)
                    }
                }
            }
        }
        let counts = destination.deliveries.map { $0.event[.source]["count"].number?.integer ?? 0 }
        #expect(counts == Array(1...1000))
    }

    @Test("a pipelined destination gets batches in order while earlier ones are under way")
    func pipelined() async {
        let destination = HeldDestination()
        let collector = Collector(destinations: [DestinationRegistration(id: "d", destination: destination)])
        await collector.start()
        let answers = Answers()
        push("a one", collector, answers)
        await destination.begun(1)
        push("a two", collector, answers)
        await destination.begun(2)
        // The second is answered before the first; each push gets its own answer.
        destination.finish(1, .delivered())
        destination.finish(0, .rejected(reason: "no"))
        #expect(answers.list.withLock { $0 } == ["a two ok", "a one failed"])
    }

    @Test("when the breaker opens, no one waits for batches that fail after the one that opened it")
    func breakerOpensUnderWay() async {
        let destination = HeldDestination()
        var configuration = DestinationConfiguration()
        configuration.breaker = CircuitBreaker.Options()
        configuration.breaker?.threshold = 1
        let registration = DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        let collector = Collector(destinations: [registration], time: ManualTime().collectorTime)
        await collector.start()
        let answers = Answers()
        push("a one", collector, answers)
        await destination.begun(1)
        push("a two", collector, answers)
        await destination.begun(2)
        destination.finish(0, .retry(reason: "down"))
        destination.finish(1, .retry(reason: "down"))
        // Both are kept, and their senders know.
        #expect(answers.list.withLock { $0 } == ["a one ok", "a two ok"])
        #expect(collector.status.destinations["d"]?.waitingCount == 2)
    }

    @Test("a pipelined destination that keeps failing is asked with one batch until that succeeds")
    func oneBatchWhileFailing() async {
        let destination = HeldDestination()
        let time = ManualTime()
        var configuration = DestinationConfiguration()
        configuration.timeoutMilliseconds = 100
        let registration = DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        let collector = Collector(destinations: [registration], time: time.collectorTime)
        await collector.start()
        let answers = Answers()
        push("a one", collector, answers)
        await destination.begun(1)
        push("a two", collector, answers)
        await destination.begun(2)
        time.advance(milliseconds: 100)
        destination.finish(0, .retry(reason: "down"))
        destination.finish(1, .retry(reason: "down"))
        #expect(answers.list.withLock { $0 } == ["a one ok", "a two ok"])
        push("a three", collector, answers)
        while time.sleeperCount == 0 { await Task.yield() }
        time.advance(milliseconds: 5000)
        await destination.begun(3)
        for _ in 0..<100 { await Task.yield() }
        #expect(destination.batchCount == 3)
        destination.finish(2, .delivered())
        await destination.begun(5)
        destination.finish(3, .delivered())
        destination.finish(4, .delivered())
        #expect(collector.status.destinations["d"]?.deliveredCount == 3)
    }

    /// The answers of pushes in the order in which they came.
    private final class Answers: Sendable {
        let list = Mutex<[String]>([])
    }

    private func push(_ name: String, _ collector: Collector, _ answers: Answers) {
        let text = JSONValue.object(["name": .string(name)]).jsonText
        text.withUnsafeBufferPointer { bytes in
            guard let batch = try? EventBatch(json: bytes) else { return }
            collector.push(batch, options: PushOptions()) { results in
                let words = results.map { "\(name) \($0.isOK ? "ok" : "failed")" }
                answers.list.withLock { $0 += words }
            }
        }
    }

    @Test("held events are bounded: the oldest goes, is counted, and the overflow is told once")
    func boundedQueue() async {
        let logs = RecordedLogs()
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(["consent": ["m": true], "queueMax": 2], problems: &problems)
        let destination = RecordingDestination()
        let collector = Collector(
            destinations: [
                DestinationRegistration(id: "d", destination: destination, configuration: configuration)
            ],
            logger: logs.logger()
        )
        await collector.start()
        for name in ["a one", "a two", "a three", "a four"] {
            #expect(await collector.push(["name": .string(name)]).queued == ["d"])
        }
        #expect(await collector.command(.consent(["m": true])).done == ["d"])
        #expect(destination.deliveries.map(\.event.name) == ["a three", "a four"])
        #expect(collector.status.destinations["d"]?.droppedHeldCount == 2)
        #expect(logs.messages(at: .warning) == ["destination.queuePush overflow; oldest events dropped"])
    }

    @Test("shutdown delivers what was gathered, refuses what comes later, and destroys once")
    func shutdown() async {
        let destination = ScriptedDestination(["destroy": true])
        var configuration = DestinationConfiguration()
        configuration.batch = BatchOptions(size: 100)
        let collector = Collector(destinations: [
            DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        ])
        await collector.start()
        #expect(await collector.push(["name": "a one"]).isOK)
        await collector.shutdown()
        await collector.shutdown()
        #expect(destination.recorded.deliveries.map(\.event.name) == ["a one"])
        #expect(destination.recorded.destroyCount == 1)
        let late = await collector.push(["name": "a two"])
        #expect(!late.isOK)
        #expect(late.error == "the collector is shut down")
    }
}

/// A pipelined destination whose deliveries end when a test says so.
private final class HeldDestination: PipelinedDestination {
    private struct State {
        var completions: [@Sendable ([DeliveryOutcome]) -> Void] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let type = "held"
    private let state = Mutex(State())

    var batchCount: Int { state.withLock { $0.completions.count } }

    func begun(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.completions.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        let due = state.withLock { state in
            state.completions.append(completion)
            let due = state.waiters.filter { $0.count <= state.completions.count }
            state.waiters.removeAll { $0.count <= state.completions.count }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    func finish(_ index: Int, _ outcome: DeliveryOutcome) {
        let completion = state.withLock { $0.completions[index] }
        completion([outcome])
    }
}
