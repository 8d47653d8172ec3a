import HTTPServer
import NIOHTTP1
import Testing

/// The header values of the npm package `cors` 2.8.5.
///
/// The first cases are recordings of walkerOS' express source.
@Suite struct CrossOriginPolicyTests {
    private func head(_ fields: [(String, String)], method: HTTPMethod = .POST) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: "/collect", headers: HTTPHeaders(fields))
    }

    private func text(_ headers: HTTPHeaders) -> [String] {
        headers.map { "\($0.name.lowercased()): \($0.value)" }.sorted()
    }

    private let listed = HTTPCrossOriginPolicy(
        origin: .listed(["https://a.example", "https://b.example"]),
        methods: ["POST"],
        requestHeaders: ["X-A"],
        allowsCredentials: true,
        maximumAgeSeconds: 60
    )

    @Test("everything allowed: an answer")
    func anyAnswer() {
        let policy = HTTPCrossOriginPolicy()
        #expect(self.text(policy.responseHeaders(for: self.head([]))) == ["access-control-allow-origin: *"])
        #expect(
            self.text(policy.responseHeaders(for: self.head([("Origin", "https://shop.example")])))
                == ["access-control-allow-origin: *"]
        )
        #expect(policy.fixedResponseHeaders.map(self.text) == ["access-control-allow-origin: *"])
    }

    @Test("everything allowed: preflights (express/038, 039)")
    func anyPreflight() {
        let policy = HTTPCrossOriginPolicy()
        let asking = policy.preflightResponse(
            for: self.head([
                ("origin", "https://shop.example"), ("access-control-request-method", "POST"),
                ("access-control-request-headers", "content-type,x-foo"),
            ])
        )
        #expect(asking.status == .noContent)
        #expect(
            self.text(asking.headers) == [
                "access-control-allow-headers: content-type,x-foo",
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "access-control-allow-origin: *",
                "content-length: 0",
                "vary: Access-Control-Request-Headers",
            ]
        )
        let silent = policy.preflightResponse(for: self.head([("origin", "https://shop.example")]))
        #expect(
            self.text(silent.headers) == [
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "access-control-allow-origin: *",
                "content-length: 0",
                "vary: Access-Control-Request-Headers",
            ]
        )
    }

    @Test("a list: a listed origin, another, none (express/078, 080)")
    func listAnswers() {
        #expect(
            self.text(self.listed.responseHeaders(for: self.head([("Origin", "https://a.example")]))) == [
                "access-control-allow-credentials: true", "access-control-allow-origin: https://a.example",
                "vary: Origin",
            ]
        )
        for fields in [[("Origin", "https://z.example")], [("Origin", "https://A.example")], []] {
            #expect(
                self.text(self.listed.responseHeaders(for: self.head(fields)))
                    == ["access-control-allow-credentials: true", "vary: Origin"]
            )
        }
        #expect(self.listed.fixedResponseHeaders == nil)
    }

    @Test("a list: a preflight (express/079)")
    func listPreflight() {
        let response = self.listed.preflightResponse(
            for: self.head([
                ("origin", "https://a.example"), ("access-control-request-method", "POST"),
                ("access-control-request-headers", "x-other"),
            ])
        )
        #expect(
            self.text(response.headers) == [
                "access-control-allow-credentials: true", "access-control-allow-headers: X-A",
                "access-control-allow-methods: POST", "access-control-allow-origin: https://a.example",
                "access-control-max-age: 60", "content-length: 0", "vary: Origin",
            ]
        )
    }

    @Test("one origin is named to everybody (express/081)", arguments: ["https://a.example", "https://z.example", nil])
    func fixed(origin: String?) {
        let policy = HTTPCrossOriginPolicy(origin: .fixed("https://a.example"))
        let head = self.head(origin.map { [("Origin", $0)] } ?? [])
        #expect(
            self.text(policy.responseHeaders(for: head))
                == ["access-control-allow-origin: https://a.example", "vary: Origin"]
        )
        #expect(
            self.text(policy.preflightResponse(for: head).headers) == [
                "access-control-allow-methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "access-control-allow-origin: https://a.example",
                "content-length: 0",
                "vary: Origin, Access-Control-Request-Headers",
            ]
        )
    }

    @Test("every origin named back")
    func reflected() {
        let policy = HTTPCrossOriginPolicy(origin: .reflected, maximumAgeSeconds: 0)
        #expect(
            self.text(policy.responseHeaders(for: self.head([("Origin", "https://z.example")])))
                == ["access-control-allow-origin: https://z.example", "vary: Origin"]
        )
        #expect(self.text(policy.responseHeaders(for: self.head([]))) == ["vary: Origin"])
        #expect(policy.preflightResponse(for: self.head([])).headers.first(name: "Access-Control-Max-Age") == "0")
    }

    @Test("an empty list of request headers allows none, and asks nobody")
    func noRequestHeaders() {
        let policy = HTTPCrossOriginPolicy(requestHeaders: [])
        let response = policy.preflightResponse(for: self.head([("Access-Control-Request-Headers", "x-a")]))
        #expect(!response.headers.contains(name: "Access-Control-Allow-Headers"))
        #expect(!response.headers.contains(name: "Vary"))
    }

    @Test("a preflight's answer over the wire keeps its length of nought")
    func overTheWire() throws {
        let policy = HTTPCrossOriginPolicy()
        let connection = try EmbeddedConnection(handler: HTTPResponseHandler { policy.preflightResponse(for: $0) })
        try connection.send("OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: https://a.example\r\n\r\n")
        let response = try #require(try connection.responses().first)
        #expect(response.status == 204)
        #expect(response["Content-Length"] == "0")
    }
}
