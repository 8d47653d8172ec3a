import MetricsTestKit
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

/// Requests and their answers, as bytes.
@Suite struct ExchangeTests {
    @Test("a small POST is answered in one write, with Date, length and body")
    func simplePost() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        try connection.send("POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        let text = try connection.receivedText()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
        #expect(text.hasSuffix(" GMT\r\nContent-Length: 13\r\n\r\nPOST /a hello"))
        #expect(connection.bufferCount == 1)
        #expect(connection.flushCount == 1)
        #expect(!connection.isClosed)
    }

    @Test("a request that arrives byte by byte")
    func byteByByte() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        let request =
            "\r\nPOST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
        for byte in request.utf8 { try connection.send([byte]) }
        #expect(try connection.responses().map(\.body) == ["POST /a hello", "GET /b "])
    }

    @Test("a chunked body is put together")
    func chunked() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        try connection.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n")
        try connection.send("3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.body) == ["POST /a hello", "GET /b "])
    }

    @Test("a body in one piece is handed over where it lies")
    func bodyIsNotCopied() throws {
        let addresses = Shared<[Int]>([])
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, _ in
                .collect { body, responder in
                    body.withUnsafeReadableBytes { bytes in
                        if let address = bytes.baseAddress { addresses.append(Int(bitPattern: address)) }
                    }
                    responder.respond(HTTPResponse(status: .ok))
                }
            }
        )
        let request = ByteBuffer(string: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        let end = request.withUnsafeReadableBytes { bytes in
            bytes.baseAddress.map { Int(bitPattern: $0) + bytes.count } ?? 0
        }
        try connection.channel.writeInbound(request)
        #expect(addresses.value == [end - 5])
    }

    @Test("requests without a body, and with an empty one")
    func noBody() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        try connection.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        try connection.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        try connection.send("POST /c HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.body) == ["GET /a ", "POST /b ", "POST /c "])
    }

    @Test("HEAD gets the length and no body; 204 and 304 get neither")
    func withoutBody() throws {
        let connection = try EmbeddedConnection(
            handler: HTTPResponseHandler { head in
                switch head.path {
                case "/204": HTTPResponse(status: .noContent, body: ByteBuffer(string: "no"))
                case "/204-0": HTTPResponse(status: .noContent, headers: ["Content-Length": "0"])
                case "/304": HTTPResponse(status: .notModified, headers: ["ETag": "\"1\""])
                case "/declared": HTTPResponse(status: .ok, headers: ["Content-Length": "77"])
                default: HTTPResponse(status: .ok, headers: ["Content-Length": "9"], body: ByteBuffer(string: "yes"))
                }
            }
        )
        for (method, path) in [
            ("HEAD", "/"), ("GET", "/204"), ("GET", "/204-0"), ("GET", "/304"), ("HEAD", "/declared"), ("GET", "/"),
        ] {
            try connection.send("\(method) \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
        }
        let responses = try connection.responses(to: "HEAD", "GET", "GET", "GET", "HEAD", "GET")
        #expect(responses.map(\.status) == [200, 204, 204, 304, 200, 200])
        #expect(responses.map(\.body) == ["", "", "", "", "", "yes"])
        #expect(responses.map { $0["Content-Length"] } == ["3", nil, "0", nil, "77", "3"])
    }

    @Test("HTTP/1.0 closes, unless both sides say keep-alive")
    func version10() throws {
        let closing = try EmbeddedConnection(handler: EchoHandler())
        try closing.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try closing.responses().map { $0["Connection"] } == ["close"])
        #expect(closing.isClosed)

        let staying = try EmbeddedConnection(handler: EchoHandler())
        try staying.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try staying.responses().map { $0["Connection"] } == ["keep-alive"])
        #expect(!staying.isClosed)
    }

    @Test("Connection: close is honoured, from either side")
    func connectionClose() throws {
        let client = try EmbeddedConnection(handler: EchoHandler())
        try client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(try client.responses().map { $0["Connection"] } == ["close"])
        #expect(client.isClosed)

        let server = try EmbeddedConnection(
            handler: HTTPResponseHandler { _ in
                var response = HTTPResponse(status: .ok)
                response.closesConnection = true
                return response
            }
        )
        try server.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try server.responses().map { $0["Connection"] } == ["close"])
        #expect(server.isClosed)
    }

    @Test("input behind the last answer makes the connection linger")
    func closeWithInputBehind() throws {
        let connection = try EmbeddedConnection(handler: HoldingHandler())
        let handler = try #require(connection.handler as? HoldingHandler)
        try connection.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        handler.answer(0, "a")
        #expect(try connection.responses().map(\.body) == ["a"])
        #expect(connection.isLingering)
        #expect(handler.count == 1)
        connection.advance(milliseconds: 3000)
        #expect(connection.isClosed)
    }

    @Test("CONNECT and Upgrade are answered as HTTP/1.1, and are the last request", arguments: ["upgrade", "connect"])
    func upgrade(kind: String) throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        switch kind {
        case "upgrade":
            try connection.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGARBAGE")
        default:
            try connection.send("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\nGARBAGE")
        }
        let responses = try connection.responses()
        #expect(responses.map(\.status) == [200])
        #expect(responses.map { $0["Connection"] } == ["close"])
        try connection.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().count == 1)
    }

    @Test("100 Continue is sent before the body, and only when it is wanted")
    func expectContinue() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler(maximumByteCount: 5))
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.receivedText() == "HTTP/1.1 100 Continue\r\n\r\n")
        try connection.send("hello")
        #expect(try connection.responses().map(\.status) == [100, 200])

        let refused = try EmbeddedConnection(handler: EchoHandler(maximumByteCount: 4))
        try refused.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        #expect(try refused.responses().map(\.status) == [413])
        #expect(refused.isLingering)

        let unknown = try EmbeddedConnection(handler: EchoHandler())
        try unknown.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: tea\r\n\r\n")
        #expect(try unknown.responses().map(\.status) == [417])
    }

    @Test("a large body is sent as it lies, and whole")
    func largeBody() throws {
        let body = String(repeating: "0123456789", count: 20_000)
        let connection = try EmbeddedConnection(
            handler: HTTPResponseHandler { _ in HTTPResponse(status: .ok, body: ByteBuffer(string: body)) }
        )
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.body) == [body, body])
        // Head, body, head, body.
        #expect(connection.bufferCount == 4)
    }

    @Test("a template is written as it is, with the fields of the response behind it")
    func template() throws {
        let template = HTTPResponseTemplate(
            status: .accepted,
            headers: ["X-Fixed": "1", "Content-Length": "9", "Connection": "close", "Transfer-Encoding": "chunked"]
        )
        let connection = try EmbeddedConnection(
            handler: HTTPResponseHandler { _ in
                HTTPResponse(template, headers: ["X-Own": "2"], body: ByteBuffer(string: "hi"))
            }
        )
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let text = try connection.receivedText()
        #expect(text.hasPrefix("HTTP/1.1 202 Accepted\r\nX-Fixed: 1\r\nX-Own: 2\r\nDate: "))
        #expect(text.hasSuffix("GMT\r\nContent-Length: 2\r\n\r\nhi"))
    }

    @Test("a second answer is ignored and logged")
    func secondAnswer() throws {
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .ok))
                responder.respond(HTTPResponse(status: .badRequest))
                responder.begin(HTTPResponse(status: .badRequest)).end()
                return .ignore
            }
        )
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.status) == [200])
        #expect(connection.log.all.count { $0.contains("answered a request twice") } == 2)
    }

    @Test("a responder that is dropped sends a 500, and nothing of the query is logged")
    func droppedResponder() throws {
        let connection = try EmbeddedConnection(handler: ClosureHandler { _, _ in .collect { _, _ in } })
        try connection.send(
            "POST /lost?secret=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        let responses = try connection.responses()
        #expect(responses.map(\.status) == [500, 500])
        #expect(responses.first?.body == #"{"success":false,"error":"Internal server error"}"#)
        #expect(connection.log.all.contains { $0.contains("dropped its responder") && $0.contains("/lost") })
        #expect(!connection.log.all.contains { $0.contains("secret") })
    }

    @Test("a handler may answer at once and ignore the body: the connection stays usable")
    func answerBeforeBody() throws {
        let connection = try EmbeddedConnection(handler: HTTPResponseHandler { _ in HTTPResponse(status: .notFound) })
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        #expect(try connection.responses().map(\.status) == [404])
        try connection.send("lloGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.status) == [404, 404])
    }

    @Test("a handler that answers at once and then asks for the body does not get it")
    func answerThenCollect() throws {
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .ok))
                return .collect { _, _ in Issue.record("the body came") }
            }
        )
        try connection.send(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        #expect(try connection.responses().map(\.status) == [200, 200])
    }

    @Test("the access log hears of each answer, without the query")
    func exchangeRecord() throws {
        let records = Shared<[HTTPExchangeRecord]>([])
        let connection = try EmbeddedConnection(onExchange: { records.append($0) }, handler: EchoHandler())
        try connection.send("POST /a?secret=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        let byteCount = try connection.receivedBytes().count
        try connection.send("BAD\r\n\r\n")
        #expect(records.value.map(\.method) == [.POST, nil])
        #expect(records.value.map(\.path) == ["/a", ""])
        #expect(records.value.map(\.status) == [.ok, .badRequest])
        #expect(records.value.map(\.requestBodyByteCount) == [5, 0])
        #expect(
            records.value.map(\.responseByteCount) == [byteCount, try connection.receivedBytes().count - byteCount]
        )
    }

    @Test("connections and answers are counted")
    func metrics() throws {
        let metrics = TestMetrics()
        let connection = try EmbeddedConnection(metrics: HTTPServerMetrics(factory: metrics), handler: EchoHandler())
        let open = try metrics.expectMeter("http_server_connections")
        #expect(open.values == [1])
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nBAD\r\n\r\n")
        #expect(try metrics.expectCounter("http_server_responses_total", [("status", "2xx")]).totalValue == 2)
        #expect(try metrics.expectCounter("http_server_responses_total", [("status", "4xx")]).totalValue == 1)
        #expect(try metrics.expectCounter("http_server_responses_total", [("status", "5xx")]).totalValue == 0)
        connection.disconnect()
        #expect(open.values == [1, 0])
    }
}
