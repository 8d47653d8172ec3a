import Collector
import EventJSON
import Synchronization

/// A destination that behaves as a recorded case asks, and records what it is given.
final class ScriptedDestination: Destination {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Record: Sendable {
        var initializeCount = 0
        var destroyCount = 0
        var deliveries: [Delivery] = []
        var batches: [[Delivery]] = []
        var changes: [StateChange] = []
        var callCount = 0
        var settledCount = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    let type = "scripted"
    private let behaviour: JSONObject
    private let record = Mutex(Record())

    init(_ behaviour: JSONObject = [:]) {
        self.behaviour = behaviour
    }

    var observesStateChanges: Bool { behaviour["on"] == true }
    var recorded: Record { record.withLock { $0 } }

    /// Returns once that many events have been delivered or refused.
    func settled(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = record.withLock { record in
                if record.settledCount >= count { return true }
                record.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        guard let mode = behaviour["init"].string else { return .ready }
        let count = record.withLock { record in
            record.initializeCount += 1
            return record.initializeCount
        }
        switch mode {
        case "false", "slow-false": return .notReady
        case "throw": throw Failure(description: "init failed")
        case "throw-once" where count == 1: throw Failure(description: "init failed")
        case "slow":
            for _ in 0..<50 { await Task.yield() }
            return .ready
        default: return .ready
        }
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        if behaviour.contains("pushBatch") { return deliverTogether(batch) }
        if behaviour["push"] == "hang" {
            try? await Task.sleep(for: .seconds(3600))
            return []
        }
        let outcomes = batch.deliveries.map(deliver)
        settle(batch.deliveries.count)
        return outcomes
    }

    private func deliverTogether(_ batch: DeliveryBatch) -> [DeliveryOutcome] {
        let failed = behaviour["pushBatch"]["failed"].array?.compactMap(\.number?.integer) ?? []
        let throwsAll = behaviour["pushBatch"] == "throw"
        record.withLock { $0.batches.append(batch.deliveries) }
        settle(batch.deliveries.count)
        return batch.deliveries.indices.map { index in
            throwsAll || failed.contains(index) ? .rejected(reason: "push batch failed") : .delivered()
        }
    }

    private func deliver(_ delivery: Delivery) -> DeliveryOutcome {
        let call = record.withLock { record in
            record.callCount += 1
            return record.callCount
        }
        let push = behaviour["push"]
        let throwsOn = push["throwOn"].array?.compactMap(\.number?.integer) ?? []
        if push == "throw" || throwsOn.contains(call) || call <= push["throwFirst"].number?.integer ?? 0 {
            return .rejected(reason: "push failed")
        }
        record.withLock { $0.deliveries.append(delivery) }
        return .delivered(response: push["return"]["response"])
    }

    private func settle(_ count: Int) {
        let due = record.withLock { record in
            record.settledCount += count
            let due = record.waiters.filter { $0.count <= record.settledCount }
            record.waiters.removeAll { $0.count <= record.settledCount }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    func on(_ change: StateChange, _ context: DestinationContext) async throws {
        record.withLock { $0.changes.append(change) }
    }

    func destroy(_ context: DestinationContext) async throws {
        record.withLock { $0.destroyCount += 1 }
    }
}
