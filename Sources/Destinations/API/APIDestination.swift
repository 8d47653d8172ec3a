import AsyncHTTPClient
public import Collector
import EventJSON
import NIOCore
import NIOHTTP1

/// Sends each event to a web service as JSON: the mapped data if there is any, else the event.
///
/// Settings: `url`, `method` (POST), `headers`, `timeout` in milliseconds (5 000). Events that batch options gathered
/// are sent together as an array. Statuses 2xx are success; 408, 425, 429, 5xx and failures of the network are retried,
/// not before `Retry-After` allows; any other status rejects the event. Redirects are not followed.
public struct APIDestination: PreviewableDestination {
    /// "api".
    public var type: String { "api" }
    private let url: String
    private let method: HTTPMethod
    private let headers: HTTPHeaders
    private let timeoutMilliseconds: Int

    /// A destination that sends to that URL.
    public init(
        url: String,
        method: String = "POST",
        headers: [(String, String)] = [],
        timeoutMilliseconds: Int = 5000
    ) {
        self.url = url
        self.method = HTTPMethod(rawValue: method)
        self.timeoutMilliseconds = timeoutMilliseconds
        var fields: HTTPHeaders = ["Content-Type": "application/json; charset=utf-8"]
        for (name, value) in headers { fields.replaceOrAdd(name: name, value: value) }
        self.headers = fields
    }

    /// Sends the batch: gathered events in one request, others one by one, in order.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        if batch.isGathered {
            let outcome = await send(Self.body(of: batch.deliveries))
            return batch.deliveries.map { _ in outcome }
        }
        var outcomes: [DeliveryOutcome] = []
        for delivery in batch.deliveries {
            if case .retry? = outcomes.last {
                // What comes after a failure waits with it, so that order is kept.
                outcomes.append(.retry(reason: "an earlier event is being retried"))
            } else {
                outcomes.append(await send(Self.body(of: delivery)))
            }
        }
        return outcomes
    }

    /// The request that would be sent.
    public func preview(_ delivery: Delivery) -> [String] {
        [method.rawValue, url, String(decoding: Self.body(of: delivery), as: UTF8.self)]
    }

    private func send(_ body: [UInt8]) async -> DeliveryOutcome {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = headers
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await HTTPClient.shared.execute(
                request,
                timeout: .milliseconds(Int64(timeoutMilliseconds))
            )
            return Self.outcome(response.status, retryAfter: response.headers.first(name: "Retry-After"))
        } catch {
            return .retry(reason: "no answer from the service: \(error)")
        }
    }

    static func outcome(_ status: HTTPResponseStatus, retryAfter: String?) -> DeliveryOutcome {
        switch status.code {
        case 200..<300: .delivered(response: ["status": .number(JSONNumber(Int(status.code)))])
        case 408, 425, 429, 500...:
            .retry(
                after: retryAfter.flatMap { Int($0) }.map { .seconds($0) },
                reason: "the service answered \(status.code)"
            )
        default: .rejected(reason: "the service answered \(status.code)")
        }
    }

    private static func body(of delivery: Delivery) -> [UInt8] {
        delivery.hasData ? delivery.dataJSON : delivery.event.json
    }

    private static func body(of deliveries: [Delivery]) -> [UInt8] {
        Array("[".utf8) + deliveries.map(body).joined(separator: [UInt8(ascii: ",")]) + Array("]".utf8)
    }
}

extension DestinationType {
    /// Sends events to a web service.
    public static let api = DestinationType(
        name: "api",
        packages: ["@walkeros/server-destination-api"],
        summary: "Sends each event, or what mapping made of it, to a web service as JSON.",
        settings: [
            SettingDescription("url", .string, isRequired: true, "Where events are sent: an http or https URL."),
            SettingDescription("method", .string, default: "POST", "The request's method."),
            SettingDescription("headers", .dictionary, "Header fields of the request: name → text."),
            SettingDescription(
                "timeout",
                .integer(1...600_000),
                default: "5000",
                "Milliseconds to wait for an answer."
            ),
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(
            settings,
            path: path,
            known: ["url", "method", "headers", "timeout"],
            of: "an api destination",
            &problems
        )
        let url = reader.string("url") ?? ""
        if !(url.hasPrefix("http://") || url.hasPrefix("https://")) {
            reader.problems.add(path + ["url"], "\"url\" is required: an http or https URL")
        }
        var headers: [(String, String)] = []
        for member in reader.members["headers"].object ?? [:] {
            if let value = member.value.string {
                headers.append((member.name, value))
            } else {
                reader.problems.add(path + ["headers", member.name], "a header field is text")
            }
        }
        let method = reader.string("method") ?? "POST"
        let timeout = reader.whole("timeout", 1...600_000) ?? 5000
        problems = reader.problems
        return APIDestination(url: url, method: method, headers: headers, timeoutMilliseconds: timeout)
    }
}
