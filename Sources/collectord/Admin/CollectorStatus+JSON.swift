import Collector
import EventJSON

extension CollectorStatus {
    /// The numbers as `collectord status` shows them.
    var json: JSONValue {
        var sources = JSONObject()
        for (id, source) in self.sources.sorted(by: { $0.key < $1.key }) { sources[id] = source.json }
        var destinations = JSONObject()
        for (id, destination) in self.destinations.sorted(by: { $0.key < $1.key }) {
            destinations[id] = destination.json
        }
        return [
            "accepted": .count(acceptedCount), "delivered": .count(deliveredCount), "failed": .count(failedCount),
            "sources": .object(sources), "destinations": .object(destinations),
            "pendingDestinations": .array(pendingDestinations.map(JSONValue.string)),
            "preRun": .count(preRunCount),
        ]
    }
}

extension CollectorStatus.Source {
    fileprivate var json: JSONValue {
        [
            "accepted": .count(acceptedCount), "rejected": .count(rejectedCount), "dropped": .count(droppedCount),
        ]
    }
}

extension CollectorStatus.Destination {
    fileprivate var json: JSONValue {
        var json: JSONObject = [
            "ready": .bool(isReady), "failing": .bool(isFailing), "delivered": .count(deliveredCount),
            "ignored": .count(ignoredCount), "dropped": .count(droppedCount), "known": .count(knownCount),
            "failed": .count(failedCount), "givenUp": .count(givenUpCount), "waiting": .count(waitingCount),
            "held": .count(heldCount),
            "unreadBytes": .count(unreadByteCount), "batched": .count(batchedCount),
            "deadLetters": .count(deadLetterCount),
            "droppedHeld": .count(droppedHeldCount), "droppedDeadLetters": .count(droppedDeadLetterCount),
            "retries": .count(retryCount),
        ]
        if let lastFailure { json["lastFailure"] = .string(lastFailure) }
        if let breaker { json["breaker"] = .string(breaker.rawValue) }
        return .object(json)
    }
}

extension JSONValue {
    fileprivate static func count(_ count: Int) -> JSONValue { JSONValue(integerLiteral: count) }
}
