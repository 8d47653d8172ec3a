import Collector
import EventJSON
import Logging

/// Turns the replies to one batch into outcomes, and tells the log.
struct RedisDeliveryReport: Sendable {
    /// What failed in the same way at the same stream: one line in the log, however many events.
    private struct Failure: Hashable {
        let stream: String
        let error: String
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

    /// One outcome per event.
    ///
    /// An event without a reply is retried.
    func outcomes(of replies: RedisReplies) -> [DeliveryOutcome] {
        var outcomes: [DeliveryOutcome] = []
        outcomes.reserveCapacity(deliveries.count)
        var failures: [Failure: Int] = [:]
        let isDebug = logger.logLevel <= .debug
        for index in deliveries.indices {
            guard index < replies.count else {
                let error = replies.failure ?? RedisError(.closed, "the Redis client is closed")
                failures[Failure(stream: stream(at: index), error: error.message), default: 0] += 1
                outcomes.append(outcome(of: error))
                continue
            }
            if replies.kind(at: index) == .bulk {
                let entry = String(decoding: replies.rawBytes(at: index), as: UTF8.self)
                if isDebug {
                    let metadata: Logger.Metadata = ["stream": "\(stream(at: index))", "entryId": "\(entry)"]
                    logger.debug("Redis XADD complete", metadata: metadata)
                }
                outcomes.append(.delivered(response: .string(entry)))
            } else {
                let text = errorText(replies[index])
                failures[Failure(stream: stream(at: index), error: text), default: 0] += 1
                outcomes.append(outcome(ofErrorReply: text))
            }
        }
        log(failures)
        return outcomes
    }

    /// The outcomes of a batch that the client did not take.
    func outcomes(refused error: RedisError) -> [DeliveryOutcome] {
        var failures: [Failure: Int] = [:]
        let outcomes = deliveries.indices.map { index in
            failures[Failure(stream: stream(at: index), error: error.message), default: 0] += 1
            return refusal(of: deliveries[index], error)
        }
        log(failures)
        return outcomes
    }

    // Only the event that is too large will be too large again.
    private func refusal(of delivery: Delivery, _ error: RedisError) -> DeliveryOutcome {
        if error.code == .commandTooLarge, delivery.event.json.count > RESPEncoder.maximumArgumentBytes {
            return .rejected(reason: error.message)
        }
        return .retry(reason: error.message)
    }

    private func outcome(of error: RedisError) -> DeliveryOutcome {
        let delay = error.needsConfiguration ? RedisErrorClassification.configurationDelay : nil
        return .retry(after: delay, reason: error.message)
    }

    private func outcome(ofErrorReply text: String) -> DeliveryOutcome {
        let classification = RedisErrorClassification(text)
        switch classification.meaning {
        case .transient, .configuration, .ask: return .retry(after: classification.delay, reason: text)
        case .moved:
            return .retry(after: classification.delay, reason: "\(text): Redis is a cluster, set redis.cluster to true")
        case .permanent: return .rejected(reason: text)
        }
    }

    private func errorText(_ reply: RedisReply) -> String {
        switch reply {
        case .error(let text): text
        case .status, .integer, .bulk, .null, .array: "Redis answered XADD with something that is no entry id"
        }
    }

    private func stream(at index: Int) -> String {
        RedisStreamsWriter.streamKey(of: deliveries[index], settings)
    }

    private func log(_ failures: [Failure: Int]) {
        for (failure, count) in failures {
            var metadata: Logger.Metadata = ["stream": "\(failure.stream)", "error": "\(failure.error)"]
            if count > 1 { metadata["events"] = "\(count)" }
            logger.error("Redis XADD failed", metadata: metadata)
        }
    }
}
