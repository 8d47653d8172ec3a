import Collector
import EventJSON
import Testing

@testable import Destinations

@Suite("api: requests")
struct APIRequestTests {
    private func delivery(_ number: Int, data: JSONValue = .missing, _ members: JSONObject = [:]) throws -> Delivery {
        var members = members
        members["id"] = .string("e\(number)")
        return Delivery(event: try event(members), data: data)
    }

    private func plan(_ settings: JSONObject, _ deliveries: [Delivery], isGathered: Bool = true) throws
        -> APIRequestPlan
    {
        var settings = settings
        if settings["url"].isMissing { settings["url"] = "http://a/in" }
        return APIRequestPlan(DeliveryBatch(deliveries, isGathered: isGathered), try apiSettings(.object(settings)))
    }

    private func bodies(_ plan: APIRequestPlan) -> [String] {
        plan.requests.map { String(decoding: $0.body ?? [], as: UTF8.self) }
    }

    private func header(_ name: String, _ request: APIRequest?) -> [String] {
        (request?.headers ?? []).filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    @Test("what is sent of an event: data, event, template")
    func bodies() throws {
        let event = #"{"name":"page view","data":{"n":1},"id":"e1"}"#
        let members: JSONObject = ["data": ["n": 1]]
        let mapped = try delivery(1, data: ["m": 2], members)
        let unmapped = try delivery(1, members)
        #expect(try bodies(plan([:], [mapped], isGathered: false)) == [#"{"m":2}"#])
        #expect(try bodies(plan(["body": "data"], [unmapped], isGathered: false)) == [event])
        #expect(try bodies(plan(["body": "event"], [mapped], isGathered: false)) == [event])
        let template: JSONObject = ["bodyTemplate": #"{"text":"n is {{data.n}}"}"#]
        #expect(try bodies(plan(template, [mapped], isGathered: false)) == [#"{"text":"n is 1"}"#])
    }

    @Test("gathered events: array, lines, member; alone they stay as they are")
    func batchBodies() throws {
        let deliveries = try (1...3).map { try delivery($0, data: ["n": .number(JSONNumber($0))]) }
        let array = try plan([:], deliveries)
        #expect(bodies(array) == [#"[{"n":1},{"n":2},{"n":3}]"#])
        #expect(array.requests.map(\.positions) == [[0, 1, 2]])
        #expect(header("Content-Type", array.requests.first) == ["application/json; charset=utf-8"])
        let lines = try plan(["batchBody": "ndjson"], deliveries)
        #expect(bodies(lines) == ["{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"])
        #expect(header("Content-Type", lines.requests.first) == ["application/x-ndjson"])
        let member = try plan(["batchBody": ["member": "a\"b"]], deliveries)
        #expect(bodies(member) == [#"{"a\"b":[{"n":1},{"n":2},{"n":3}]}"#])
        #expect(try bodies(plan([:], [deliveries[0]])) == [#"[{"n":1}]"#])
        for form: JSONValue in ["array", "ndjson", ["member": "m"]] {
            let alone = try plan(["batchBody": form], deliveries, isGathered: false)
            #expect(bodies(alone) == [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#])
            #expect(header("Content-Type", alone.requests.first) == ["application/json; charset=utf-8"])
        }
        let overridden = try plan(["batchBody": "ndjson", "headers": ["content-type": "x/y"]], deliveries)
        #expect(header("Content-Type", overridden.requests.first) == ["x/y"])
    }

    @Test("lines stay lines whatever the template has between values")
    func templateLines() throws {
        let plan = try plan(
            ["batchBody": "ndjson", "bodyTemplate": "{\n \"s\": {{data.s}}\n}"],
            try (1...2).map { try delivery($0, ["data": ["s": "a\nb"]]) }
        )
        #expect(bodies(plan) == ["{  \"s\": \"a\\nb\" }\n{  \"s\": \"a\\nb\" }\n"])
    }

    @Test("events for other places go in other requests: in order, or together when the order is not kept")
    func groups() throws {
        let tenants = ["a", "a", "b", "a"]
        let deliveries = try tenants.enumerated().map { try delivery($0.offset, ["data": ["t": .string($0.element)]]) }
        for settings: JSONObject in [["url": "http://a/{{data.t}}"], ["headers": ["X-Tenant": "{{data.t}}"]]] {
            #expect(try plan(settings, deliveries).requests.map(\.positions) == [[0, 1], [2], [3]])
            var concurrent = settings
            concurrent["concurrency"] = 2
            #expect(try plan(concurrent, deliveries).requests.map(\.positions) == [[0, 1, 3], [2]])
            #expect(
                try plan(settings, deliveries, isGathered: false).requests.map(\.positions) == [[0], [1], [2], [3]]
            )
        }
    }

    @Test("an event that cannot be rendered is rejected alone, with the place and without the value")
    func rejections() throws {
        let deliveries = [
            try delivery(0, ["data": ["t": "x"]]), try delivery(1), try delivery(2, ["data": ["t": "secret\n"]]),
            try delivery(3, ["data": ["t": "x"]]),
        ]
        let inURL = try plan(["url": "http://a/{{data.t}}"], [deliveries[0], deliveries[1], deliveries[3]])
        #expect(inURL.requests.map(\.positions) == [[0, 2]])
        #expect(inURL.rejected == [1: "url: data.t is missing in the event; {{data.t|text}} gives a default"])
        let inHeader = try plan(["headers": ["X-T": "{{data.t|none}}"]], deliveries)
        #expect(inHeader.requests.map(\.positions) == [[0], [1], [3]])
        #expect(inHeader.rejected == [2: "header \"X-T\": data.t holds a control character, which no header field may"])
        let inBody = try plan(["bodyTemplate": "[{{data.t}}]"], deliveries)
        #expect(inBody.rejected.keys.sorted() == [1])
        #expect(inBody.rejected[1]?.hasPrefix("bodyTemplate: data.t is missing") == true)
    }

    @Test("Idempotency-Key: the id, or one key for the same events; the settings' own wins")
    func idempotency() throws {
        let three = try (1...3).map { try delivery($0) }
        #expect(try header("Idempotency-Key", plan([:], [three[0]], isGathered: false).requests.first) == ["e1"])
        let keys = try header("Idempotency-Key", plan([:], three).requests.first)
        #expect(keys.first?.count == 64)
        #expect(try header("Idempotency-Key", plan([:], three).requests.first) == keys)
        #expect(try header("Idempotency-Key", plan([:], Array(three.dropLast())).requests.first) != keys)
        #expect(try header("Idempotency-Key", plan(["idempotencyKey": false], three).requests.first) == [])
        let own = try plan(["headers": ["idempotency-key": "{{data.k|k}}"]], [three[0]])
        #expect(header("Idempotency-Key", own.requests.first) == ["k"])
        #expect(APIRequestPlan.idempotencyKey(["a", "bc"]) != APIRequestPlan.idempotencyKey(["ab", "c"]))
        for id in ["", "a b", "ü", "a\n", String(repeating: "x", count: 256)] {
            #expect(APIRequestPlan.idempotencyKey([id]).count == 64)
        }
    }

    @Test("GET and HEAD carry no body", arguments: ["GET", "head"])
    func withoutBody(method: String) throws {
        let request = try #require(try plan(["method": .string(method)], [delivery(1)]).requests.first)
        #expect(request.body == nil)
        #expect(header("Content-Type", request) == [])
    }

    @Test("a preview shows the request and no credentials")
    func preview() throws {
        let destination = try APIDestination(settings: [
            "url": "https://a.example/{{user.id}}?api_key=SECRET&v=1&Token=SECRET&flag",
            "method": "put",
            "headers": [
                "Authorization": "Bearer SECRET", "X-Key": "SECRET", "X-Custom": "SECRET", "X-Tenant": "{{user.id}}",
                "X-Auth-User": "SECRET {{user.id}}", "content-type": "application/x", "Cookie": "SECRET",
            ],
        ])
        let preview = destination.preview(try delivery(1, data: ["n": 1], ["user": ["id": "u"]]))
        #expect(
            preview == [
                "PUT", "https://a.example/u?api_key=<redacted>&v=1&Token=<redacted>&flag",
                "Authorization: <redacted>", "X-Key: <redacted>", "X-Custom: <redacted>", "X-Tenant: u",
                "X-Auth-User: <redacted>", "content-type: application/x", "Cookie: <redacted>", #"{"n":1}"#,
            ]
        )
        let rejected = destination.preview(try delivery(1))
        #expect(rejected == ["rejected: url: user.id is missing in the event; {{user.id|text}} gives a default"])
    }
}
