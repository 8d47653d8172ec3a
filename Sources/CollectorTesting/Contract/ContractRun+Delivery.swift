import Collector
import EventJSON

/// Scenarios in which the backend is well.
extension ContractRun {
    func succeeds() async throws {
        let destination = ObservedDestination(try subject.makeDestination())
        let collector = try await start(destination)
        let chunks = (0..<4).map { _ in (0..<10).map { events($0 * 3 + 1) } }
        await withTaskGroup(of: Void.self) { group in
            for chunk in chunks {
                group.addTask {
                    for events in chunk { await self.pushDelivered(events, to: collector) }
                }
            }
        }
        await end(collector, destination)
        for chunk in chunks { try await checkOrder(chunk.flatMap(\.self)) }
        expect("calls of initialize", destination.observed.initializeCount, 1)
    }

    /// Pushes events that must be delivered before the push returns.
    func pushDelivered(_ events: [JSONObject], to collector: Collector) async {
        expect(events)
        await push(events, to: collector, expecting: { $1.done.contains("contract") }, "delivered")
    }

    /// Whether these events arrived in their order.
    func checkOrder(_ events: [JSONObject]) async throws {
        guard subject.keepsOrder else { return }
        let ids = events.map(Self.id)
        let wanted = Set(ids)
        let arrived = try await subject.arrivedEventIDs().filter(wanted.contains)
        if arrived != ids, Set(arrived).count == arrived.count, arrived.count == ids.count {
            fault("events arrived in another order than they were pushed")
        }
    }

    func takesUnusualText() async throws {
        let destination = ObservedDestination(try subject.makeDestination())
        let collector = try await start(destination)
        let texts: [JSONValue] = [
            "", "a\nb\r\nc", "\"quoted\", 'and' \\ back", "tab\there", "emoji 👩‍👩‍👧 \u{202E}rtl", "\u{1}\u{1F}\u{7F}",
            "*1\r\n$8\r\nFLUSHALL\r\n", "'; DROP TABLE events; --", "{{data.id}} ${HOME} %s%n", "=1+1",
            .string(String(repeating: "long ", count: 12_000)),
        ]
        let all = texts.flatMap { events(1, ["data": ["text": $0, "list": [$0, .null, [:]]]]) }
        await pushDelivered(all, to: collector)
        await end(collector, destination)
        try await checkOrder(all)
    }

    func sortsOutRefused(isGathered: Bool) async throws {
        try await subject.setWeather(.refusing)
        let destination = ObservedDestination(try subject.makeDestination())
        let gathered: JSONObject = ["batch": ["size": 50, "wait": 600_000]]
        let collector = try await start(destination, isGathered ? gathered : [:])
        var all: [JSONObject] = []
        var refusedCount = 0
        for position in 0..<50 {
            let isRefused = position % 10 == 3
            if isRefused { refusedCount += 1 }
            let event = events(1, isRefused ? subject.refusedEvent : [:])
            if !isRefused { expect(event) }
            all += event
        }
        let refusedName = subject.refusedEvent["name"]
        let isRefused: (JSONObject) -> Bool = { $0["name"] == refusedName }
        if isGathered {
            let deliveredCount = 50 - refusedCount
            await push(all, to: collector, expecting: { $1.isOK }, "accepted")
            await within(Self.patience, "the delivery of a gathered batch") {
                await destination.delivered(deliveredCount)
            }
        } else {
            await push(
                all,
                to: collector,
                expecting: { isRefused($0) ? $1.failed["contract"] != nil : $1.done.contains("contract") },
                "failed if refused, else delivered"
            )
        }
        await end(collector, destination)
        let letters = collector.deadLetters(of: "contract") ?? []
        expect("dead letters", letters.count, refusedCount)
        expect("dead letters of refused events", letters.count { $0.event.name == refusedName.string }, refusedCount)
        expect("dead letters without a reason", letters.count(where: \.reason.isEmpty), 0)
        expect("attempts for a refused event, the most", letters.map(\.attemptCount).max() ?? 0, 1)
        try await checkOrder(all.filter { !isRefused($0) })
    }

    func continuesAfterRestart() async throws {
        for _ in 0..<3 {
            let destination = ObservedDestination(try subject.makeDestination())
            let collector = try await start(destination)
            await pushDelivered(events(20), to: collector)
            await end(collector, destination)
        }
    }
}
