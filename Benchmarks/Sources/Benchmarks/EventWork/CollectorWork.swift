import Collector
import EventJSON
import Logging
import Synchronization

/// The work under measurement, through the collector's public doors.
struct CollectorWork {
    let mapping: Mapping
    private let destination = WorkDestination()
    private let plainDestination = WorkDestination()
    private let written = WrittenText()
    /// Completes, maps and serializes.
    private let whole: Collector
    /// Completes only: it has no destination.
    private let completing: Collector
    /// Completes, for a destination without a mapping.
    private let plain: Collector

    static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    static let nowMilliseconds = 1_700_000_000_500
    private static let options = PushOptions(traceID: trace)

    /// Reads the machine's clocks, which costs what it costs, and says a fixed time, so that outputs can be compared.
    private static let time = CollectorTime(
        nowMilliseconds: { min(CollectorTime.system.nowMilliseconds(), nowMilliseconds) },
        monotonicMilliseconds: CollectorTime.system.monotonicMilliseconds,
        sleep: CollectorTime.system.sleep
    )

    init() async throws {
        mapping = try Mapping(WorkMapping.configuration)
        var configuration = DestinationConfiguration()
        configuration.mapping = mapping
        let registration = DestinationRegistration(id: "work", destination: destination, configuration: configuration)
        whole = Collector(destinations: [registration], time: Self.time)
        completing = Collector(time: Self.time)
        plain = Collector(
            destinations: [DestinationRegistration(id: "plain", destination: plainDestination)],
            time: Self.time
        )
        for collector in [whole, completing, plain] {
            await collector.start()
            // The first event makes destinations ready; from then on a push is done when it returns.
            _ = await collector.push(["name": "page view", "consent": ["marketing": true], "source": ["count": 0]])
        }
    }

    /// What the collector makes of an event, and what its destination gets.
    func output(of text: [UInt8]) -> Delivery? {
        destination.keepNext()
        text.withUnsafeBufferPointer { _ = push($0) }
        return destination.takeKept()
    }

    /// The event as the mapping gets it.
    func completed(_ text: [UInt8]) -> Event? {
        plainDestination.keepNext()
        text.withUnsafeBufferPointer { _ = Self.push($0, to: plain) }
        return plainDestination.takeKept()?.event
    }

    /// What the jansson peer does as well: scan, complete (and accept), ask consent, map, serialize.
    func work(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard let batch = try? EventBatch(json: bytes) else { return 0 }
        completing.push(batch, options: Self.options) { [mapping, written] results in
            for result in results {
                guard let event = result.event, mapping.consent.isSatisfied(by: event) else {
                    preconditionFailure("an event was refused")
                }
                let mapped = mapping.map(event, consent: [:], nowMilliseconds: Self.nowMilliseconds)
                written.write(mapped.event)
            }
        }
        return batch.count
    }

    /// The same and all that a collector does besides: queues, locks, outcomes, counts.
    func push(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        Self.push(text, to: whole)
    }

    /// Scan, completion, acceptance.
    func complete(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        Self.push(text, to: completing)
    }

    /// The scan alone.
    func scan(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        (try? EventBatch(json: text))?.count ?? 0
    }

    private static func push(_ text: UnsafeBufferPointer<UInt8>, to collector: Collector) -> Int {
        guard let batch = try? EventBatch(json: text) else { return 0 }
        collector.push(batch, options: options) { results in
            precondition(results.allSatisfy { $0.isOK }, "an event was refused")
        }
        return batch.count
    }
}
