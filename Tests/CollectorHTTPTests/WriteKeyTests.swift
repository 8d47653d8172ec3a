import Collector
import CollectorTesting
import EventJSON
import TestSupport
import Testing

@testable import CollectorHTTP

@Suite("Write keys")
struct WriteKeyTests {
    private static let first = "first-key-of-the-shop"
    private static let second = "second-key-of-the-shop"

    private func source(_ keys: JSONValue, _ more: JSONObject = [:], style: HTTPSource.Style = .express) throws
        -> HTTPSource
    {
        var problems = ConfigurationProblems()
        var settings = more
        settings["keys"] = keys
        let source = HTTPSource(
            id: "http",
            style: style,
            config: ["settings": .object(settings)],
            problems: &problems
        )
        if let problem = problems.list.first { throw problem }
        return source
    }

    private func post(_ body: String, _ authorization: String?, port: Int) async throws -> HTTPAnswer {
        let fields = [("Content-Type", "application/json")] + (authorization.map { [("Authorization", $0)] } ?? [])
        return try await HTTPExchange.send(
            HTTPExchange.request("POST", "/collect", headers: fields, body: Array(body.utf8)),
            port: port
        )
    }

    @Test("only bearers of a key may send; several keys are valid at a time", arguments: [true, false])
    func bearers(_ isExpress: Bool) async throws {
        let server = try await IngestServer(
            try source(
                [["id": "new", "key": .string(Self.first)], ["id": "old", "key": .string(Self.second)]],
                style: isExpress ? .express : .fetch
            )
        )
        let event = #"{"name":"page view"}"#
        for field in [
            "Bearer \(Self.first)", "bearer \(Self.second)", "BEARER   \(Self.first)",
        ] {
            #expect(try await post(event, field, port: server.port).status == 200, "\(field)")
        }
        for field in [
            nil, "", "Bearer", "Bearer ", "Basic \(Self.first)", Self.first, "Bearer \(Self.first)x",
            "Bearer \(Self.first.dropLast())", "Bearer \(Self.first) \(Self.second)",
            "Bearer \(Self.first.uppercased())",
        ] {
            let answer = try await post(event, field, port: server.port)
            #expect(answer.status == 401, "\(field ?? "none")")
            #expect(answer.headers["www-authenticate"] == "Bearer")
            #expect(!answer.text.contains("shop"))
        }
        #expect(server.destination.deliveries.count == 3)
        for log in server.logs.entries { #expect(!"\(log)".contains(Self.first)) }
        await server.stop()
    }

    @Test("the pixel needs a key as well; preflights and health do not")
    func otherRequests() async throws {
        let server = try await IngestServer(try source([["id": "a", "key": .string(Self.first)]]))
        func status(_ method: String, _ target: String, _ fields: [(String, String)] = []) async throws -> Int {
            try await HTTPExchange.send(HTTPExchange.request(method, target, headers: fields), port: server.port).status
        }
        #expect(try await status("GET", "/collect?name=page+view") == 401)
        #expect(try await status("GET", "/collect?name=page+view", [("Authorization", "Bearer \(Self.first)")]) == 200)
        let preflight = [("Origin", "https://a"), ("Access-Control-Request-Headers", "authorization")]
        #expect(try await status("OPTIONS", "/collect", preflight) == 204)
        #expect(try await status("GET", "/health") == 200)
        #expect(server.destination.deliveries.count == 1)
        await server.stop()
    }

    @Test("a key's bearers together send so many events, then 429 with the time to wait; other keys are not concerned")
    func rates() async throws {
        let keys: JSONValue = [
            ["id": "slow", "key": .string(Self.first), "rate": 1], ["id": "free", "key": .string(Self.second)],
        ]
        let time = ManualTime()
        let server = try await IngestServer(try source(keys, ["maxBatchSize": 3]), time: time.collectorTime)
        let three = #"[{"name":"a b"},{"name":"a b"},{"name":"a b"}]"#
        #expect(try await post(three, "Bearer \(Self.first)", port: server.port).status == 200)
        let refused = try await post(three, "Bearer \(Self.first)", port: server.port)
        #expect(refused.status == 429)
        #expect(refused.headers["retry-after"] == "3")
        for _ in 0..<3 { #expect(try await post(three, "Bearer \(Self.second)", port: server.port).status == 200) }
        time.advance(milliseconds: 3000)
        #expect(try await post(three, "Bearer \(Self.first)", port: server.port).status == 200)
        #expect(server.destination.deliveries.count == 15)
        await server.stop()
    }

    @Test("a bucket fills at its rate, up to a burst; more than a burst waits for a full one")
    func buckets() {
        var limit = RateLimit(perSecond: 10, burstCount: 20)
        #expect(limit.take(20, nowMilliseconds: 1000) == nil)
        #expect(limit.take(1, nowMilliseconds: 1000) == 1)
        #expect(limit.take(1, nowMilliseconds: 1100) == nil)
        #expect(limit.take(15, nowMilliseconds: 1100) == 2)
        // A clock that goes back gives nothing, and takes nothing.
        #expect(limit.take(1, nowMilliseconds: 0) == 1)
        #expect(limit.take(10, nowMilliseconds: 1000) == nil)
        #expect(limit.take(100, nowMilliseconds: 1000) == 2)
        #expect(limit.take(100, nowMilliseconds: 1_000_000) == nil)
        #expect(limit.take(1, nowMilliseconds: 1_000_000) == 9)
        #expect(limit.take(1, nowMilliseconds: 1_009_000) == nil)
    }

    @Test("a key's tags are in the event's source, whatever the sender says")
    func tags() async throws {
        let keys: JSONValue = [
            ["id": "a", "key": .string(Self.first), "tags": ["tenant": "a", "plan": ["level": 2]]],
            ["id": "b", "key": .string(Self.second)],
        ]
        let server = try await IngestServer(try source(keys))
        let body = #"[{"name":"a b","source":{"type":"web","tenant":"b"}},{"name":"a b"}]"#
        for key in [Self.first, Self.second] {
            #expect(try await post(body, "Bearer \(key)", port: server.port).status == 200)
        }
        let sources = server.destination.deliveries.map { $0.event[.source] }
        #expect(sources.map { $0["tenant"] } == ["a", "a", "b", .missing])
        #expect(sources.map { $0["plan"]["level"] } == [2, 2, .missing, .missing])
        #expect(sources.map { $0["type"] } == ["web", "collector", "web", "collector"])
        #expect(sources.map { $0["count"] } == [1, 2, 3, 4])
        await server.stop()
    }

    static let unusable: [JSONValue] = [
        [], "secret", [:], ["a-key-that-is-long-enough"], [["id": "a", "key": "short"]],
        [["key": "a-key-that-is-long-enough"]], [["id": "a", "key": "a key with spaces in it"]],
        [["id": "a", "key": "a-key-that-is-long-enough", "rate": 0]],
        [["id": "a", "key": "a-key-that-is-long-enough", "tags": "x"]],
        [["id": "a", "key": "a-key-that-is-long-enough", "tags": ["trace": "x"]]],
        [["id": "a", "key": "a-key-that-is-long-enough", "tag": 1]],
    ]

    @Test("keys that cannot be honoured are refused, without showing them", arguments: unusable)
    func refused(_ keys: JSONValue) {
        let error = #expect(throws: ConfigurationProblem.self) { try source(keys) }
        #expect(error?.description.contains("long-enough") == false)
    }
}
