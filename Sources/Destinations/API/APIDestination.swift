public import Collector
public import EventJSON

/// Sends events to a web service as JSON.
///
/// Statuses 2xx are success; 401, 407, 408, 425, 429, 5xx and failures of the network are tried again, not before
/// `Retry-After` allows; any other status rejects the events of the request, save those that only stood beside the one
/// at fault. Redirects are not followed. All settings are described in `docs/destinations.md`.
///
/// ```swift
/// let destination = try APIDestination(settings: ["url": "https://example.com/users/{{user.id}}/events"])
/// ```
public final class APIDestination: PreviewableDestination {
    /// "api".
    public var type: String { "api" }
    /// Nil if they cannot be honoured; the configuration's problems say why.
    private let settings: APISettings?
    private let client: APIClient?

    /// A destination with these settings, named as in flow.json.
    ///
    /// - Throws: the first setting that cannot be honoured.
    public convenience init(settings: JSONValue) throws(ConfigurationProblem) {
        var problems = ConfigurationProblems()
        let parsed = APISettings(settings, path: [], problems: &problems)
        if let problem = problems.list.first { throw problem }
        self.init(parsed)
    }

    init(_ settings: APISettings?, resolver: HostResolver? = nil) {
        self.settings = settings
        client = settings.map { APIClient($0, resolver: resolver) }
    }

    /// Reads certificates and key.
    ///
    /// - Throws: which of them cannot be used, and why.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try await client?.open()
        return .ready
    }

    /// Sends the batch: gathered events together, others one by one.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        guard let settings, let client else {
            return batch.deliveries.map { _ in .rejected(reason: "the destination's settings cannot be honoured") }
        }
        let plan = APIRequestPlan(batch, settings)
        var outcomes = [DeliveryOutcome?](repeating: nil, count: batch.deliveries.count)
        for (position, reason) in plan.rejected { outcomes[position] = .rejected(reason: reason) }
        await withTaskGroup(of: [Int: DeliveryOutcome].self) { group in
            var isHeldBack = false
            var underWay = 0
            func note(_ answers: [Int: DeliveryOutcome]) {
                underWay -= 1
                for (position, outcome) in answers {
                    if case .retry = outcome { isHeldBack = true }
                    outcomes[position] = outcome
                }
            }
            for request in plan.requests {
                if underWay == settings.concurrency, let answers = await group.next() { note(answers) }
                if isHeldBack || Task.isCancelled { break }
                underWay += 1
                group.addTask { await Self.send(request, of: batch, settings, client) }
            }
            for await answers in group { note(answers) }
        }
        // What comes after a failure waits with it: the order is kept, and a service in need is left alone.
        return outcomes.map { $0 ?? .retry(reason: "an earlier event is being retried") }
    }

    /// Sends a request. One that the service refuses for what is in it is sent again in halves, so that an event at fault
    /// takes no others with it. Gives outcomes by position; none for events behind one that is to be tried again.
    private static func send(
        _ request: APIRequest,
        of batch: DeliveryBatch,
        _ settings: APISettings,
        _ client: APIClient
    ) async -> [Int: DeliveryOutcome] {
        let answer = await client.send(request)
        guard answer.refusesContent, request.positions.count > 1 else {
            return Dictionary(uniqueKeysWithValues: request.positions.map { ($0, answer.outcome) })
        }
        var outcomes: [Int: DeliveryOutcome] = [:]
        let middle = request.positions.count / 2
        for positions in [request.positions[..<middle], request.positions[middle...]] {
            for half in APIRequestPlan(batch, settings, only: Array(positions)).requests {
                let answers = await send(half, of: batch, settings, client)
                outcomes.merge(answers) { _, new in new }
                if answers.values.contains(where: \.isRetry) { return outcomes }
            }
        }
        return outcomes
    }

    /// The request that would be sent: method, URL, the header fields of the settings, body. What may be a credential
    /// is not shown.
    public func preview(_ delivery: Delivery) -> [String] {
        guard let settings else { return [] }
        let plan = APIRequestPlan(DeliveryBatch([delivery]), settings)
        guard let request = plan.requests.first else { return plan.rejected.values.map { "rejected: \($0)" } }
        var preview = [settings.method, settings.url.origin() + APIPreview.target(request.target)]
        for header in settings.headers {
            guard let field = request.headers.first(where: { header.isNamed($0.name) }) else { continue }
            preview.append("\(field.name): \(APIPreview.isShown(header) ? field.value : APIPreview.hidden)")
        }
        if let body = request.body { preview.append(String(decoding: body, as: UTF8.self)) }
        return preview
    }

    /// Ends all connections.
    public func destroy(_ context: DestinationContext) async throws {
        try await client?.close()
    }
}

extension DeliveryOutcome {
    fileprivate var isRetry: Bool { if case .retry = self { true } else { false } }
}

/// What a preview shows of a request.
private enum APIPreview {
    static let hidden = "<redacted>"

    /// A literal value may be a credential under any name; these are known to be none.
    private static let harmless = ["accept", "accept-language", "content-type", "idempotency-key", "user-agent"]

    static func isShown(_ header: APIHeader) -> Bool {
        if harmless.contains(header.name.lowercased()) { return true }
        return !header.value.isLiteral && !APIHeader.isCredential(header.name)
    }

    /// Path and query without the values of parameters that may be credentials.
    static func target(_ target: String) -> String {
        let sides = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2 else { return target }
        let parameters = sides[1].split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            let name = parameter.prefix { $0 != "=" }
            return APIHeader.isCredential(String(name)) && name.count < parameter.count
                ? "\(name)=\(hidden)" : String(parameter)
        }
        return "\(sides[0])?\(parameters.joined(separator: "&"))"
    }
}
