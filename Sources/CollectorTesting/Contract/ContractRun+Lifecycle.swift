import Collector
import EventJSON
import Synchronization

/// Scenarios of `initialize`, `on` and `destroy`.
extension ContractRun {
    func survivesErrors() async throws {
        let destination = ObservedDestination(try subject.makeDestination(), throwsErrors: true)
        let collector = try await start(destination)
        for number in 0..<5 {
            await pushDelivered(events(4), to: collector)
            _ = await collector.command(.globals(["number": .number(JSONNumber(number))]))
        }
        await end(collector, destination)
    }

    func outlastsFailingInit() async throws {
        let destination = ObservedDestination(try subject.makeDestination(), initializeFailures: 3)
        // The clock is the scenario's: pauses pass at once, time limits never.
        let time = ManualTime()
        let collector = try await start(destination, ["timeout": 86_400_000], time: time.collectorTime)
        let all = events(30)
        expect(all)
        for event in all {
            await push([event], to: collector, expecting: { $1.isOK && $1.queued.contains("contract") }, "kept")
        }
        await within(Self.patience, "the delivery after a failing init") {
            let clock = Task {
                while !Task.isCancelled {
                    if !time.advanceToNextSleeper(within: 60_000) { await Task.yield() }
                }
            }
            await destination.delivered(30)
            clock.cancel()
        }
        expect("calls of initialize", destination.observed.initializeCount, 4)
        await end(collector, destination)
        try await checkOrder(all)
    }

    func endsMidFlight() async throws {
        allowDuplicates()
        let destination = ObservedDestination(try subject.makeDestination())
        let collector = try await start(destination)
        let all = events(500)
        allow(all)
        let outcomes = ContractOutcomes()
        for chunk in stride(from: 0, to: all.count, by: 10).map({ Array(all[$0..<$0 + 10]) }) {
            push(chunk, to: collector, outcomes)
        }
        await end(collector, destination)
        await within(Self.patience, "the outcome of every event") { await outcomes.all(500) }
        let delivered = outcomes.delivered
        if delivered.isEmpty { fault("nothing was delivered before the end") }
        accept(500)
        // What was answered as delivered has arrived.
        expect(all.filter { delivered.contains(Self.id(of: $0)) })
    }

    private func push(_ events: [JSONObject], to collector: Collector, _ outcomes: ContractOutcomes) {
        let ids = events.map(Self.id)
        let json = JSONValue.array(events.map(JSONValue.object)).jsonText
        json.withUnsafeBufferPointer { bytes in
            do {
                let batch = try EventBatch(json: bytes)
                collector.push(batch, options: PushOptions()) { results in
                    for (id, result) in zip(ids, results) { outcomes.note(id, result) }
                }
            } catch {
                fault("the scenario's events are no batch: \(error)")
            }
        }
    }
}

/// The outcomes of pushes that nobody waits for one by one.
private final class ContractOutcomes: Sendable {
    private struct State {
        var delivered: Set<String> = []
        var count = 0
        var waiter: (count: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())

    var delivered: Set<String> { state.withLock { $0.delivered } }

    func note(_ id: String, _ result: PushResult) {
        let due = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if result.done.contains("contract") { state.delivered.insert(id) }
            state.count += 1
            guard let waiter = state.waiter, waiter.count == state.count else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        due?.resume()
    }

    /// Returns once that many outcomes are known.
    func all(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.count >= count { return true }
                state.waiter = (count, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
