import Collector
import Crypto
import EventJSON

/// One request as it will be sent, and whose events it carries.
struct APIRequest: Sendable, Equatable {
    /// A header field.
    struct Field: Sendable, Equatable {
        let name: String
        let value: String
    }

    /// Path and query.
    let target: String
    let headers: [Field]
    /// Nil for methods that send none.
    let body: [UInt8]?
    /// The places of its events in the batch.
    let positions: [Int]
}

/// What a batch becomes: requests, and events for which none can be made.
struct APIRequestPlan: Sendable {
    private(set) var requests: [APIRequest] = []
    /// Position → reason.
    private(set) var rejected: [Int: String] = [:]

    private struct Rendered {
        let position: Int
        let id: String
        let target: String
        let headers: [APIRequest.Field]
        let body: [UInt8]
    }

    /// Plans a batch. Gathered events go together where URL and header fields are the same: with a concurrency of one
    /// only neighbours do, so that the order is kept. With positions, for the events there only.
    init(_ batch: DeliveryBatch, _ settings: APISettings, only positions: [Int]? = nil) {
        var groups: [[Rendered]] = []
        for position in positions ?? Array(batch.deliveries.indices) {
            let rendered: Rendered
            do throws(APITemplate.Problem) {
                rendered = try Self.render(batch.deliveries[position], position, settings)
            } catch {
                rejected[position] = error.description
                continue
            }
            let group = batch.isGathered ? Self.group(for: rendered, in: groups, settings) : nil
            if let group { groups[group].append(rendered) } else { groups.append([rendered]) }
        }
        requests = groups.map { Self.request($0, isGathered: batch.isGathered, settings) }
    }

    private static func group(for rendered: Rendered, in groups: [[Rendered]], _ settings: APISettings) -> Int? {
        let candidates = settings.concurrency == 1 ? groups.indices.suffix(1) : groups.indices[...]
        return candidates.first { candidate in
            guard let first = groups[candidate].first else { return false }
            return first.target == rendered.target && first.headers == rendered.headers
        }
    }

    private static func render(
        _ delivery: Delivery,
        _ position: Int,
        _ settings: APISettings
    ) throws(APITemplate.Problem) -> Rendered {
        let event = delivery.event
        let target = try naming("url") { () throws(APITemplate.Problem) in try settings.url.target(for: event) }
        var headers: [APIRequest.Field] = []
        for header in settings.headers {
            let value = try naming("header \"\(header.name)\"") { () throws(APITemplate.Problem) in
                try header.value.fill(event)
            }
            headers.append(APIRequest.Field(name: header.name, value: String(decoding: value, as: UTF8.self)))
        }
        let body: [UInt8]
        switch settings.body {
        case .data: body = delivery.hasData ? delivery.dataJSON : event.json
        case .event: body = event.json
        case .template(let template):
            body = try naming("bodyTemplate") { () throws(APITemplate.Problem) in try template.fill(event) }
        }
        return Rendered(position: position, id: event.id, target: target, headers: headers, body: body)
    }

    private static func naming<Value>(
        _ place: String,
        _ fill: () throws(APITemplate.Problem) -> Value
    ) throws(APITemplate.Problem) -> Value {
        do throws(APITemplate.Problem) {
            return try fill()
        } catch {
            throw APITemplate.Problem("\(place): \(error)")
        }
    }

    private static func request(_ events: [Rendered], isGathered: Bool, _ settings: APISettings) -> APIRequest {
        let fields = events.first?.headers ?? []
        var headers: [APIRequest.Field] = []
        func add(_ name: String, _ value: String) {
            if !settings.headers.contains(where: { $0.isNamed(name) }) {
                headers.append(APIRequest.Field(name: name, value: value))
            }
        }
        if settings.sendsBody {
            let isLines = isGathered && settings.batchBody == .lines
            add("Content-Type", isLines ? "application/x-ndjson" : "application/json; charset=utf-8")
        }
        if settings.sendsIdempotencyKey { add("Idempotency-Key", idempotencyKey(events.map(\.id))) }
        return APIRequest(
            target: events.first?.target ?? "/",
            headers: headers + fields,
            body: settings.sendsBody ? body(events.map(\.body), isGathered: isGathered, settings.batchBody) : nil,
            positions: events.map(\.position)
        )
    }

    private static func body(_ bodies: [[UInt8]], isGathered: Bool, _ form: APISettings.BatchBody) -> [UInt8] {
        guard isGathered else { return bodies.first ?? [] }
        let comma = [UInt8(ascii: ",")]
        switch form {
        case .array: return Array("[".utf8) + bodies.joined(separator: comma) + Array("]".utf8)
        case .lines: return bodies.flatMap { $0 + [UInt8(ascii: "\n")] }
        case .member(let name):
            let opening = Array("{".utf8) + JSONValue.string(name).jsonText + Array(":[".utf8)
            return opening + bodies.joined(separator: comma) + Array("]}".utf8)
        }
    }

    /// The event's id, or a hash of several: the same for the same events, however often they are sent.
    static func idempotencyKey(_ ids: [String]) -> String {
        if ids.count == 1, let id = ids.first, !id.isEmpty, id.utf8.count <= 255,
            id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            return id
        }
        var hash = SHA256()
        for id in ids {
            // The length tells ["a", "bc"] from ["ab", "c"].
            hash.update(data: Array("\(id.utf8.count):\(id)".utf8))
        }
        return hash.finalize().map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
