import Collector
import Synchronization

/// Passes everything on to a destination, looks whether both sides hold to the protocol, and may make calls fail.
final class ObservedDestination: Sendable {
    struct State {
        var initializeFailures: Int
        var initializeCount = 0
        var destroyCount = 0
        var deliveredCount = 0
        var faults: [String] = []
        var isPreparing = false
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    struct Failure: Error {}

    let inner: any Destination
    private let throwsErrors: Bool
    private let state: Mutex<State>

    init(_ inner: any Destination, initializeFailures: Int = 0, throwsErrors: Bool = false) {
        self.inner = inner
        self.throwsErrors = throwsErrors
        state = Mutex(State(initializeFailures: initializeFailures))
    }

    /// As the collector takes it: pipelined if the destination is.
    var destination: any Destination {
        if let pipelined = inner as? any PipelinedDestination {
            return ObservedPipelinedDestination(observer: self, pipelined: pipelined)
        }
        return ObservedPlainDestination(observer: self)
    }

    var observed: State { state.withLock { $0 } }

    /// Returns once that many events have been answered as delivered.
    func delivered(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.deliveredCount >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        let fails = state.withLock { state in
            if state.isPreparing { state.faults.append("initialize was called while it ran") }
            state.initializeCount += 1
            state.initializeFailures -= 1
            state.isPreparing = true
            return state.initializeFailures >= 0
        }
        defer { state.withLock { $0.isPreparing = false } }
        if fails { throw Failure() }
        return try await inner.initialize(context)
    }

    func on(_ change: StateChange, _ context: DestinationContext) async throws {
        try await inner.on(change, context)
        if throwsErrors { throw Failure() }
    }

    func destroy(_ context: DestinationContext) async throws {
        state.withLock { $0.destroyCount += 1 }
        try await inner.destroy(context)
        if throwsErrors { throw Failure() }
    }

    /// Notes what a delivery was answered with.
    func note(_ outcomes: [DeliveryOutcome], of batch: DeliveryBatch) {
        let due = state.withLock { state in
            if outcomes.count > batch.deliveries.count {
                state.faults.append("\(outcomes.count) outcomes of \(batch.deliveries.count) events")
            }
            for case .rejected("") in outcomes { state.faults.append("rejected without a reason") }
            state.deliveredCount += outcomes.count(where: \.isDelivered)
            let due = state.waiters.filter { $0.count <= state.deliveredCount }
            state.waiters.removeAll { $0.count <= state.deliveredCount }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }
}

extension DeliveryOutcome {
    var isDelivered: Bool { if case .delivered = self { true } else { false } }
}

private struct ObservedPlainDestination: Destination {
    let observer: ObservedDestination

    var type: String { observer.inner.type }
    var observesStateChanges: Bool { true }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try await observer.initialize(context)
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        let outcomes = await observer.inner.deliver(batch)
        observer.note(outcomes, of: batch)
        return outcomes
    }

    func on(_ change: StateChange, _ context: DestinationContext) async throws {
        try await observer.on(change, context)
    }

    func destroy(_ context: DestinationContext) async throws { try await observer.destroy(context) }
}

private struct ObservedPipelinedDestination: PipelinedDestination {
    let observer: ObservedDestination
    let pipelined: any PipelinedDestination

    var type: String { pipelined.type }
    var observesStateChanges: Bool { true }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try await observer.initialize(context)
    }

    func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        pipelined.deliver(batch) { outcomes in
            observer.note(outcomes, of: batch)
            completion(outcomes)
        }
    }

    func on(_ change: StateChange, _ context: DestinationContext) async throws {
        try await observer.on(change, context)
    }

    func destroy(_ context: DestinationContext) async throws { try await observer.destroy(context) }
}
