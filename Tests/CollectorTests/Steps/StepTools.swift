import CollectorTesting
import EventJSON
import Synchronization

@testable import Collector

/// A transformer that answers when the test says so.
final class GatedTransformer: Transformer {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var waiting: [(name: String, continuation: CheckedContinuation<Void, Never>)] = []
        var isOpen = false
        var calls: [String] = []
        var initializeCount = 0
        var destroyCount = 0
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let type = "gated"
    private let state = Mutex(State())
    private let failingInitializations: Int
    private let failingCalls: Int

    init(isOpen: Bool = false, failingInitializations: Int = 0, failingCalls: Int = 0) {
        self.failingInitializations = failingInitializations
        self.failingCalls = failingCalls
        state.withLock { $0.isOpen = isOpen }
    }

    var calls: [String] { state.withLock { $0.calls } }
    var initializeCount: Int { state.withLock { $0.initializeCount } }
    var destroyCount: Int { state.withLock { $0.destroyCount } }

    /// Returns once it has been called that often.
    func called(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.calls.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets everything pass from now on.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            return exchange(&state.waiting, with: [])
        }
        for waiter in waiting { waiter.continuation.resume() }
    }

    func initialize(_ context: TransformerContext) async throws {
        let count = state.withLock { state in
            state.initializeCount += 1
            return state.initializeCount
        }
        if count <= failingInitializations { throw Failure(description: "not yet") }
    }

    func transform(_ input: TransformerInput) async throws -> TransformerResult {
        let name = input.event.name
        let (count, due) = state.withLock { state in
            state.calls.append(name)
            let due = state.watchers.filter { $0.count <= state.calls.count }
            state.watchers.removeAll { $0.count <= state.calls.count }
            return (state.calls.count, due)
        }
        for watcher in due { watcher.continuation.resume() }
        if count <= failingCalls { throw Failure(description: "down") }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append((name, continuation)) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        var event = input.event
        event[.data] = .object((event[.data].object ?? [:]).assigning(["seen": true]))
        return .changed(TransformedEvent(event))
    }

    func destroy(_ context: TransformerContext) async throws { state.withLock { $0.destroyCount += 1 } }
}

/// A transformer made of a closure.
struct ClosureTransformer: ImmediateTransformer {
    let type = "closure"
    let body: @Sendable (TransformerInput) throws -> TransformerResult

    func transform(_ input: TransformerInput) throws -> TransformerResult { try body(input) }
}

/// A collector with steps, a destination that records, and time that stands still.
struct StepHouse {
    let collector: Collector
    let destination: ScriptedDestination
    let time = ManualTime()
    let logs = RecordedLogs()

    init(
        transformers: [TransformerRegistration],
        source: JSONObject = [:],
        destination entry: JSONObject = [:],
        config: JSONObject = [:],
        behaviour: JSONObject = [:],
        stores: [StoreRegistration] = [],
        destinations: [DestinationRegistration] = []
    ) throws {
        destination = ScriptedDestination(behaviour)
        var problems = ConfigurationProblems()
        var configuration = DestinationConfiguration(config, problems: &problems)
        configuration.steps = StepOptions(entry, owner: .destination, problems: &problems)
        let steps = StepOptions(source, owner: .source, problems: &problems)
        if let problem = problems.list.first { throw problem }
        let registration = DestinationRegistration(id: "a", destination: destination, configuration: configuration)
        collector = Collector(
            sources: [SourceRegistration(id: "s", steps: steps)],
            destinations: [registration] + destinations,
            transformers: transformers,
            stores: stores,
            logger: logs.logger(),
            time: time.collectorTime
        )
    }

    var delivered: [Event] { destination.recorded.deliveries.map(\.event) }

    func push(_ name: String, _ data: JSONObject = [:], ingest: JSONValue = .missing) async -> PushResult {
        var options = PushOptions(source: "s")
        if !ingest.isMissing { options.ingest = Ingest(ingest) }
        return await collector.push(["name": .string(name), "data": .object(data)], options: options)
    }

    /// Pushes without waiting for the outcome. The event is accepted, or lined up, when this returns.
    func begin(_ name: String, _ data: JSONObject = [:]) -> Task<PushResult, Never> {
        let (stream, answers) = AsyncStream<PushResult>.makeStream()
        let text = JSONValue.object(["name": .string(name), "data": .object(data)]).jsonText
        text.withUnsafeBufferPointer { bytes in
            guard let batch = try? EventBatch(json: bytes) else { return }
            collector.push(batch, options: PushOptions(source: "s")) { answers.yield($0[0]) }
        }
        return Task {
            for await result in stream { return result }
            return PushResult(error: "no answer", isInvalid: false)
        }
    }

    /// Moves the clock on, whenever somebody sleeps, until the push has its outcome.
    func advanceUntil(_ push: Task<PushResult, Never>, by milliseconds: Int = 500) async -> PushResult {
        let isOver = Mutex(false)
        let watcher = Task {
            let result = await push.value
            isOver.withLock { $0 = true }
            return result
        }
        while !isOver.withLock({ $0 }) {
            if time.sleeperCount > 0 { time.advance(milliseconds: milliseconds) }
            await Task.yield()
        }
        return await watcher.value
    }
}
