import Collector
import EventJSON
import Logging

/// Turns replies into outcomes, and tells the log.
struct RedisDeliveryReport: Sendable {
    /// What failed in the same way at the same stream: one line in the log, however many events.
    struct Failures: Sendable {
        fileprivate struct Failure: Hashable {
            let stream: String
            let error: String
        }

        fileprivate var counts: [Failure: Int] = [:]

        mutating func add(stream: String, error: String) {
            counts[Failure(stream: stream, error: error), default: 0] += 1
        }
    }

    let settings: RedisStreamsSettings
    let logger: Logger
    let deliveries: [Delivery]

    /// Says which streams are written to, on level debug.
    func began() {
        guard logger.logLevel <= .debug else { return }
        for index in deliveries.indices {
            logger.debug("Redis XADD", metadata: ["stream": "\(stream(at: index))"])
        }
    }

    /// Says which entry an event became, on level debug.
    func delivered(at index: Int, entry: String) {
        guard logger.logLevel <= .debug else { return }
        logger.debug("Redis XADD complete", metadata: ["stream": "\(stream(at: index))", "entryId": "\(entry)"])
    }

    /// One outcome per event of a batch that was sent as it is, one command per event.
    ///
    /// An event without a reply is retried.
    func outcomes(of replies: RedisReplies) -> [DeliveryOutcome] {
        var outcomes: [DeliveryOutcome] = []
        outcomes.reserveCapacity(deliveries.count)
        var failures = Failures()
        let isDebug = logger.logLevel <= .debug
        for index in deliveries.indices {
            if index < replies.count, replies.kind(at: index) == .bulk {
                let entry = String(decoding: replies.rawBytes(at: index), as: UTF8.self)
                if isDebug { delivered(at: index, entry: entry) }
                outcomes.append(.delivered(response: .string(entry)))
                continue
            }
            let (outcome, text) =
                index < replies.count
                ? Self.outcome(ofRefusal: replies[index])
                : Self.outcome(of: replies.failure ?? RedisError(.closed, "the Redis client is closed"))
            failures.add(stream: stream(at: index), error: text)
            outcomes.append(outcome)
        }
        log(failures)
        return outcomes
    }

    /// The outcomes of a batch that the client did not take.
    func outcomes(refused error: RedisError) -> [DeliveryOutcome] {
        var failures = Failures()
        let outcomes = deliveries.indices.map { index in
            failures.add(stream: stream(at: index), error: error.message)
            return refusal(at: index, error)
        }
        log(failures)
        return outcomes
    }

    /// Only the event that is too large will be too large again.
    func refusal(at index: Int, _ error: RedisError) -> DeliveryOutcome {
        if error.code == .commandTooLarge, deliveries[index].event.json.count > RESPEncoder.maximumArgumentBytes {
            return .rejected(reason: error.message)
        }
        return .retry(reason: error.message)
    }

    /// The outcome of an event without a reply, with the text for the log.
    static func outcome(of error: RedisError) -> (DeliveryOutcome, String) {
        let delay = error.needsConfiguration ? RedisErrorClassification.configurationDelay : nil
        return (.retry(after: delay, reason: error.message), error.message)
    }

    /// The outcome of an event whose reply is no entry's id, with the text for the log.
    static func outcome(ofRefusal reply: RedisReply) -> (DeliveryOutcome, String) {
        guard case .error(let text) = reply else {
            let text = "Redis answered XADD with something that is no entry id"
            return (.rejected(reason: text), text)
        }
        let classification = RedisErrorClassification(text)
        switch classification.meaning {
        case .transient, .configuration, .ask: return (.retry(after: classification.delay, reason: text), text)
        case .moved:
            let text = "\(text): Redis is a cluster, set redis.cluster to true"
            return (.retry(after: classification.delay, reason: text), text)
        case .permanent: return (.rejected(reason: text), text)
        }
    }

    func stream(at index: Int) -> String {
        settings.streamKey(of: deliveries[index])
    }

    /// Tells what failed.
    func log(_ failures: Failures) {
        for (failure, count) in failures.counts {
            var metadata: Logger.Metadata = ["stream": "\(failure.stream)", "error": "\(failure.error)"]
            if count > 1 { metadata["events"] = "\(count)" }
            logger.error("Redis XADD failed", metadata: metadata)
        }
    }
}
