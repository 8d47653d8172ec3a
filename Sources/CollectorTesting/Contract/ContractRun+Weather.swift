import Collector
import EventJSON
import Synchronization

/// Scenarios in which the backend is away or silent.
extension ContractRun {
    /// How long a sender waits while the backend is not well: long enough for a few events on a busy machine.
    private static var timeoutMilliseconds: JSONValue { 1000 }
    private static var isKept: (JSONObject, PushResult) -> Bool { { $1.isOK && !$1.done.contains("contract") } }

    func outlastsOutages() async throws {
        allowDuplicates()
        try await subject.setWeather(.down)
        let destination = ObservedDestination(try subject.makeDestination())
        let collector = try await start(destination, ["timeout": Self.timeoutMilliseconds, "retry": ["maxDelay": 500]])
        let first = events(20)
        expect(first)
        await push(first, to: collector, expecting: Self.isKept, "kept while the backend is down")
        try await subject.setWeather(.fair)
        guard !hasDeadLetters(collector) else { return await end(collector, destination) }
        await delivered(20, destination)
        await pushAccepted(20, to: collector)
        await delivered(40, destination)
        try await subject.setWeather(.down)
        let second = events(20)
        expect(second)
        await push(second, to: collector, expecting: Self.isKept, "kept while the backend is down")
        try await subject.setWeather(.fair)
        guard !hasDeadLetters(collector) else { return await end(collector, destination) }
        await delivered(60, destination)
        await end(collector, destination)
    }

    func outlastsSilence() async throws {
        allowDuplicates()
        let destination = ObservedDestination(try subject.makeDestination())
        let other = RecordingDestination()
        let collector = try await start(
            destination,
            ["timeout": Self.timeoutMilliseconds, "retry": ["maxDelay": 500]],
            beside: [DestinationRegistration(id: "other", destination: other)]
        )
        await pushAccepted(10, to: collector)
        await delivered(10, destination)
        try await subject.setWeather(.hanging)
        let silent = events(20)
        expect(silent)
        let isKept = Self.isKept
        await push(
            silent,
            to: collector,
            expecting: { isKept($0, $1) && $1.done.contains("other") },
            "kept while the backend is silent, and delivered to the other destination"
        )
        expect("events at the other destination", other.deliveries.count, 30)
        try await subject.setWeather(.fair)
        await delivered(30, destination)
        expect("dead letters", collector.deadLetters(of: "contract")?.count ?? 0, 0)
        await end(collector, destination)
    }

    /// Pushes events that are delivered at once, or after the time limit if the machine is busy.
    private func pushAccepted(_ count: Int, to collector: Collector) async {
        let events = events(count)
        expect(events)
        await push(events, to: collector, expecting: { $1.isOK }, "delivered")
    }

    /// Whether events were given up that may still be delivered: it is a fault, and nothing more is to be waited for.
    private func hasDeadLetters(_ collector: Collector) -> Bool {
        let count = collector.deadLetters(of: "contract")?.count ?? 0
        expect("dead letters", count, 0)
        return count > 0
    }

    private func delivered(_ count: Int, _ destination: ObservedDestination) async {
        await within(Self.patience, "the delivery of what was kept") { await destination.delivered(count) }
    }

    func survivesCancellation() async throws {
        allowDuplicates()
        let destination = ObservedDestination(try subject.makeDestination())
        let context = try await context(of: destination)
        let canHang = Subject.unsupportedWeather[.hanging] == nil
        if canHang { try await subject.setWeather(.hanging) }
        let deliveries = try await complete(events(15))
        accept(deliveries.count)
        let plain = destination.destination
        let isDelivered = Mutex(Set<Int>())
        await within(Self.patience, "a cancelled delivery") {
            let cancelled = Array(deliveries.prefix(10))
            let task = Task { await plain.deliver(DeliveryBatch(cancelled)) }
            task.cancel()
            let outcomes = await task.value
            if outcomes.count > 10 { self.fault("\(outcomes.count) outcomes of 10 events") }
            isDelivered.withLock { $0.formUnion(outcomes.indices.filter { outcomes[$0].isDelivered }) }
        }
        if canHang { try await subject.setWeather(.fair) }
        await within(Self.patience, "delivery after a cancelled one") {
            // As the collector does: again until it is delivered.
            var rest = deliveries.indices.filter { position in !isDelivered.withLock { $0.contains(position) } }
            while !rest.isEmpty {
                let outcomes = await plain.deliver(DeliveryBatch(rest.map { deliveries[$0] }))
                rest = rest.indices.filter { $0 >= outcomes.count || !outcomes[$0].isDelivered }.map { rest[$0] }
                if !rest.isEmpty { try? await Task.sleep(for: .milliseconds(50)) }
            }
        }
        try await plain.destroy(context)
    }

    /// What a collector makes of events for this destination.
    private func complete(_ events: [JSONObject]) async throws -> [Delivery] {
        expect(events)
        let recording = RecordingDestination()
        let collector = try await start(ObservedDestination(recording))
        _ = await collector.push(events)
        await collector.shutdown()
        return recording.deliveries
    }

    private func context(of destination: ObservedDestination) async throws -> DestinationContext {
        let context = DestinationContext(id: "contract", logger: Self.logger)
        guard try await destination.initialize(context) == .ready else {
            fault("initialize is not ready in fair weather")
            return context
        }
        return context
    }
}
