import Collector
import CollectorTesting
import EventJSON
import Logging
import Synchronization
import Testing

@testable import RedisStreamsDestination

/// Delivers numbered events as the collector's lane does: batches in order, several under way, retries until delivered.
struct EventPump {
    let destination: RedisStreamsDestination
    var batchCount = 50
    var windowCount = 16

    /// What it took.
    struct Result {
        var retryCount = 0
        /// The reasons of retries, each once.
        var reasons: Set<String> = []
    }

    /// Delivers events 0..<count; `onDelivered` is called after every batch with how many are delivered so far.
    @discardableResult
    func run(_ count: Int, onDelivered: (Int) throws -> Void = { _ in }) async throws -> Result {
        var result = Result()
        var next = 0
        var delivered = 0
        var again: [Int] = []
        var underWay = RedisQueue<(numbers: [Int], outcomes: Promise<[DeliveryOutcome]>)>()
        while delivered < count {
            while underWay.count < windowCount, !again.isEmpty || next < count {
                var numbers = Array(again.prefix(batchCount))
                again.removeFirst(numbers.count)
                while numbers.count < batchCount, next < count {
                    numbers.append(next)
                    next += 1
                }
                underWay.append((numbers, begin(numbers)))
            }
            guard let first = underWay.popFirst() else { break }
            let outcomes = await first.outcomes.value
            #expect(outcomes.count == first.numbers.count)
            var hasRetry = false
            for (number, outcome) in zip(first.numbers, outcomes) {
                switch outcome {
                case .delivered: delivered += 1
                case .retry(_, let reason):
                    hasRetry = true
                    result.retryCount += 1
                    result.reasons.insert(reason)
                    again.append(number)
                case .rejected(let reason):
                    Issue.record("event \(number) was rejected: \(reason)")
                    return result
                }
            }
            try onDelivered(delivered)
            // The pause that a lane makes between attempts.
            if hasRetry { try await Task.sleep(for: .milliseconds(50)) }
        }
        return result
    }

    private func begin(_ numbers: [Int]) -> Promise<[DeliveryOutcome]> {
        let promise = Promise<[DeliveryOutcome]>()
        let batch = DeliveryBatch(numbers.map { Delivery(event: makeEvent(number: $0)) })
        destination.deliver(batch) { promise.fulfil($0) }
        return promise
    }
}

/// What is in the streams after all, counted by the events' ids.
struct StreamAudit {
    private(set) var counts: [String: Int] = [:]
    /// Events in the order of the entries.
    private(set) var order: [String] = []

    /// Reads all entries of streams on servers.
    init(_ servers: [RedisServer], keys: [String] = ["walkeros:events"], database: Int = 0) throws {
        for server in servers {
            let probe = try server.probe()
            for key in keys {
                guard case .array(let entries) = try probe.command("XRANGE", key, "-", "+") else { continue }
                for entry in entries {
                    guard let text = entry.elements.last?.elements.last?.text,
                        let start = text.firstRange(of: #""id":""#)?.upperBound
                    else { continue }
                    let id = String(text[start...].prefix { $0 != "\"" })
                    counts[id, default: 0] += 1
                    order.append(id)
                }
            }
        }
    }

    /// How many of the events 0..<count are not there.
    func lost(of count: Int) -> Int { (0..<count).count { counts["event-\($0)"] == nil } }

    /// How many entries are there more than once.
    var duplicates: Int { counts.values.reduce(0) { $0 + $1 - 1 } }
}

/// Streams of a destination with these many partitions.
func partitionKeys(_ count: Int) -> [String] {
    (0..<count).map { "walkeros:events:\($0)" }
}

/// A destination with these settings, initialized.
func start(
    _ settings: RedisStreamsSettings,
    logs: RecordedLogs? = nil
) async throws -> RedisStreamsDestination {
    let destination = RedisStreamsDestination(settings: settings)
    let logger = logs?.logger(level: .info) ?? .silent
    _ = try await destination.initialize(DestinationContext(id: "redis", logger: logger))
    return destination
}

extension RedisStreamsDestination {
    /// Ends it after a test, however busy it is.
    func end() async {
        try? await destroy(makeContext(.missing))
    }
}
