import CollectorTesting
import EventJSON
import Logging

@testable import Collector
@testable import RedisStreamsDestination

/// An event with exactly this text, whatever its members are.
func makeEvent(json: [UInt8]) -> Event {
    var writer = ByteWriter(capacity: json.count)
    writer.append(contentsOf: json)
    return Event(EventText(writer, slices: InlineArray(repeating: .none), isComplete: false))
}

/// A complete event with that number as its id and in its data.
func makeEvent(number: Int, name: String = "page view") -> Event {
    let words = name.split(separator: " ")
    return makeEvent(
        json: Array(
            """
            {"name":"\(name)","data":{"n":\(number)},"context":{},"globals":{},"custom":{},"user":{},"nested":[],\
            "consent":{},"id":"event-\(number)","trigger":"","entity":"\(words[0])","action":"\(words[1])",\
            "timestamp":1700000100,"timing":1,"source":{"type":"collector","schema":"4"}}
            """.utf8
        )
    )
}

/// The rule of a mapping with these members.
func makeRule(_ members: JSONValue) throws -> MappingRule? {
    guard !members.isMissing else { return nil }
    let mapping = try Mapping(["mapping": ["page": ["view": members]]])
    let event = try Event(jsonText: Array(#"{"name":"page view","entity":"page","action":"view"}"#.utf8))
    return mapping.map(event, consent: [:], nowMilliseconds: 0).rule
}

/// A context with these `redis` settings.
func makeContext(_ redis: JSONValue, logger: Logger = .silent) -> DestinationContext {
    DestinationContext(id: "redis", logger: logger, settings: redis.isMissing ? .missing : ["redis": redis])
}

/// Settings that name a socket, with more members.
func makeSettings(_ socketPath: String, _ more: JSONObject = [:]) -> JSONValue {
    var redis: JSONObject = ["streamKey": "walkeros:events", "options": ["path": .string(socketPath)]]
    for member in more { redis[member.name] = member.value }
    return .object(redis)
}

extension DeliveryOutcome {
    /// The id of the new entry, if delivered.
    var entryID: String? {
        if case .delivered(let response) = self { response.string } else { nil }
    }

    /// The reason of a retry.
    var retryReason: String? {
        if case .retry(_, let reason) = self { reason } else { nil }
    }

    /// The reason of a rejection.
    var rejectedReason: String? {
        if case .rejected(let reason) = self { reason } else { nil }
    }
}
