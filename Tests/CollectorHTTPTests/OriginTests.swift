import Collector
import EventJSON
import TestSupport
import Testing

@testable import CollectorHTTP

@Suite("Origins of pages")
struct OriginTests {
    private func source(_ cors: JSONValue, style: HTTPSource.Style) throws -> HTTPSource {
        var problems = ConfigurationProblems()
        let source = HTTPSource(id: "http", style: style, config: ["settings": ["cors": cors]], problems: &problems)
        if let problem = problems.list.first { throw problem }
        return source
    }

    private func post(from origin: String?, port: Int) async throws -> Int {
        let fields = [("Content-Type", "text/plain")] + (origin.map { [("Origin", $0)] } ?? [])
        let body = Array(#"{"name":"page view"}"#.utf8)
        return try await HTTPExchange.send(
            HTTPExchange.request("POST", "/collect", headers: fields, body: body),
            port: port
        ).status
    }

    @Test("events of other origins are refused where that is asked for; programs name none", arguments: [true, false])
    func enforced(_ isExpress: Bool) async throws {
        let shop = "https://shop.example"
        for (cors, mayOthers): (JSONValue, Bool) in [
            (["origin": [.string(shop)], "enforce": true], false), (["origin": .string(shop), "enforce": true], false),
            (["origin": [.string(shop)]], true), (["enforce": true], true), (["origin": true, "enforce": true], true),
        ] {
            let server = try await IngestServer(try source(cors, style: isExpress ? .express : .fetch))
            #expect(try await post(from: shop, port: server.port) == 200)
            #expect(try await post(from: nil, port: server.port) == 200)
            for other in ["https://evil.example", "null", "https://shop.example.evil.example", ""] {
                #expect(try await post(from: other, port: server.port) == (mayOthers ? 200 : 403), "\(cors) \(other)")
            }
            await server.stop()
        }
    }

    @Test("what would let others in unnoticed is refused")
    func unusable() {
        for cors: JSONValue in [["enforce": "yes"], ["enforce": 1], ["methods": ["POST", 1]]] {
            #expect(throws: ConfigurationProblem.self) { try source(cors, style: .express) }
        }
    }

    @Test("browsers remember a preflight's answer", arguments: [true, false])
    func remembered(_ isExpress: Bool) async throws {
        for (cors, seconds): (JSONValue, String) in [(true, "7200"), (["maxAge": 60], "60"), ([:], "7200")] {
            let server = try await IngestServer(try source(cors, style: isExpress ? .express : .fetch))
            let fields = [("Origin", "https://a"), ("Access-Control-Request-Method", "POST")]
            let request = HTTPExchange.request("OPTIONS", "/collect", headers: fields)
            let answer = try await HTTPExchange.send(request, port: server.port)
            #expect(answer.status == 204)
            #expect(answer.headers["access-control-max-age"] == seconds)
            await server.stop()
        }
    }
}
