import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

@Suite struct RouterTests {
    private func named(_ name: String) -> HTTPResponseHandler {
        HTTPResponseHandler { _ in HTTPResponse(status: .ok, body: ByteBuffer(string: name)) }
    }

    private func router(_ matching: HTTPPathMatching) -> HTTPRouter {
        var router = HTTPRouter(matching: matching)
        router.on([.GET, .POST], "/collect", self.named("collect"))
        router.on(.PUT, "/collect", self.named("put"))
        router.on(.GET, .prefix("/v1/stream"), self.named("stream"))
        router.onAnyMethod("/any", self.named("any"))
        return router
    }

    private func answer(_ method: String, _ target: String, _ matching: HTTPPathMatching) throws -> ReceivedResponse {
        let connection = try EmbeddedConnection(handler: self.router(matching))
        try connection.send("\(method) \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
        return try #require(try connection.responses(to: method).first)
    }

    @Test(
        "paths, byte by byte",
        arguments: [
            ("GET", "/collect", "collect"), ("POST", "/collect", "collect"), ("PUT", "/collect", "put"),
            ("GET", "/collect?a=/b", "collect"), ("GET", "/collect?", "collect"),
            ("GET", "http://host/collect", "collect"), ("GET", "http://host:1/collect?x", "collect"),
            ("GET", "/v1/stream", "stream"), ("GET", "/v1/stream/", "stream"), ("GET", "/v1/stream/a/b", "stream"),
            ("PATCH", "/any", "any"), ("OPTIONS", "/any", "any"),
        ]
    )
    func found(method: String, target: String, name: String) throws {
        #expect(try self.answer(method, target, .exact).body == name)
    }

    @Test(
        "paths that no route takes",
        arguments: [
            "/", "/collec", "/collects", "/collect/", "/Collect", "//collect", "/v1/streams", "/v1", "/collect%3F",
            "/%63ollect", "http://host", "http://host/", "/x/../collect",
        ]
    )
    func notFound(target: String) throws {
        let response = try self.answer("GET", target, .exact)
        #expect(response.status == 404)
        #expect(response.body == #"{"success":false,"error":"Not found"}"#)
    }

    @Test(
        "paths as express compares them",
        arguments: ["/collect/", "/COLLECT", "/cOllect/?x", "/any/", "/V1/Stream/x"]
    )
    func express(target: String) throws {
        #expect(try self.answer("GET", target, .express).status == 200)
    }

    @Test("paths that express does not take either", arguments: ["/collect//", "/collect/x", "//collect", "/any//"])
    func notExpress(target: String) throws {
        #expect(try self.answer("GET", target, .express).status == 404)
    }

    @Test(
        "another method: 405 with Allow",
        arguments: [("DELETE", "/collect", "GET, POST, PUT"), ("HEAD", "/v1/stream/x", "GET")]
    )
    func methodNotAllowed(method: String, target: String, allow: String) throws {
        let response = try self.answer(method, target, .exact)
        #expect(response.status == 405)
        #expect(response["Allow"] == allow)
    }

    @Test("the answers to unknown paths and methods can be one's own")
    func ownAnswers() throws {
        var router = self.router(.exact)
        router.notFound = self.named("nowhere")
        router.methodNotAllowed = { head in
            HTTPResponse(status: .methodNotAllowed, body: ByteBuffer(string: "no \(head.method.rawValue)"))
        }
        let connection = try EmbeddedConnection(handler: router)
        try connection.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\nDELETE /collect HTTP/1.1\r\nHost: h\r\n\r\n")
        let responses = try connection.responses()
        #expect(responses.map(\.body) == ["nowhere", "no DELETE"])
        #expect(responses.last?["Allow"] == "GET, POST, PUT")
    }

    @Test("a 405 to a request with a body leaves the connection usable")
    func methodNotAllowedWithBody() throws {
        let connection = try EmbeddedConnection(handler: self.router(.exact))
        try connection.send(
            "DELETE /collect HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET /collect HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        #expect(try connection.responses().map(\.status) == [405, 200])
    }

    @Test(
        "path and query of a target",
        arguments: [
            ("/a?b=c?d", "/a", "b=c?d"), ("/a", "/a", nil), ("/a?", "/a", ""), ("*", "*", nil), ("?x", "", "x"),
            ("http://h/a?b", "/a", "b"), ("http://h?b", "/", "b"), ("https://h", "/", nil), ("h:443", "h:443", nil),
            ("/a#f?b", "/a", "b"), ("/a:b://c", "/a:b://c", nil),
        ] as [(String, String, String?)]
    )
    func target(uri: String, path: String, query: String?) {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: uri)
        #expect(head.path == path)
        #expect(head.query.map(String.init) == query)
    }
}
