import EventJSON
import Synchronization

@testable import Collector

/// A destination that answers when the test says so.
final class AnsweringDestination: Destination {
    private struct State {
        var names: [String] = []
        var waiting: [CheckedContinuation<DeliveryOutcome, Never>] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let type = "held"
    private let state = Mutex(State())

    var names: [String] { state.withLock { $0.names } }

    /// Returns once it has been given that many events.
    func asked(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.waiting.count > 0, state.names.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Answers what waits.
    func answer(_ outcome: DeliveryOutcome) {
        for waiter in state.withLock({ exchange(&$0.waiting, with: []) }) { waiter.resume(returning: outcome) }
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        let outcome = await withCheckedContinuation { continuation in
            let due = state.withLock { state in
                state.names += batch.deliveries.map(\.event.name)
                state.waiting.append(continuation)
                let due = state.watchers.filter { $0.count <= state.names.count }
                state.watchers.removeAll { $0.count <= state.names.count }
                return due
            }
            for watcher in due { watcher.continuation.resume() }
        }
        return batch.deliveries.map { _ in outcome }
    }
}

/// A store that answers on a task, and cannot be made ready at first.
final class SlowStore: Store {
    private struct State {
        var values: [String: JSONValue] = [:]
        var initializeCount = 0
        var isDestroyed = false
    }

    struct Failure: Error {}

    let type = "slow"
    private let failingInitializations: Int
    private let state = Mutex(State())

    init(failingInitializations: Int) {
        self.failingInitializations = failingInitializations
    }

    var isDestroyed: Bool { state.withLock { $0.isDestroyed } }

    func initialize() async throws {
        let count = state.withLock { state in
            state.initializeCount += 1
            return state.initializeCount
        }
        if count <= failingInitializations { throw Failure() }
    }

    func value(forKey key: String) async throws -> JSONValue {
        await Task.yield()
        return state.withLock { $0.values[key] ?? .missing }
    }

    func set(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?) async throws {
        await Task.yield()
        state.withLock { $0.values[key] = value }
    }

    func remove(_ key: String) async throws { state.withLock { $0.values[key] = nil } }

    func destroy() async throws { state.withLock { $0.isDestroyed = true } }
}
