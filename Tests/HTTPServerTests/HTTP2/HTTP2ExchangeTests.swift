import Compression
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import HTTPServer

/// Requests and answers over HTTP/2.
@Suite struct HTTP2ExchangeTests {
    @Test("a request with and without a body, with date and length, several on a connection")
    func simple() throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        let get = try connection.request(http2Request("GET", "/a?b"))
        #expect(get.statuses == ["200"])
        #expect(get.text == "GET /a ")
        #expect(get.field("content-length") == "7")
        #expect(get.field("date")?.hasSuffix(" GMT") == true)
        #expect(get.current.isEnded && get.current.resetReason == nil)
        let post = try connection.request(http2Request("POST", "/b"), "hello")
        #expect(post.text == "POST /b hello")
        let sized = try connection.request(http2Request("POST", "/b", [("content-length", "5")]), "hello")
        #expect(sized.text == "POST /b hello")
        #expect(try connection.request(http2Request("POST", "/c"), "").text == "POST /c ")
    }

    @Test("the head looks as it would have in HTTP/1: Host, and one cookie field")
    func head() throws {
        let seen = Shared<HTTPRequestHead?>(nil)
        let handler = HTTPResponseHandler { head in
            seen.value = head
            return HTTPResponse(status: .ok)
        }
        let connection = try EmbeddedHTTP2(handler: handler)
        try connection.request(http2Request("GET", "/", [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]))
        #expect(seen.value?.headers["cookie"] == ["a=1; b=2"])
        #expect(seen.value?.headers["host"] == ["localhost"])
        #expect(seen.value?.headers["x"] == ["y"])
        #expect(seen.value?.uri == "/")
        #expect(seen.value?.version == .http2)
    }

    @Test("no bodies for HEAD, 204 and 304; a declared length stays")
    func bodyless() throws {
        let handler = HTTPResponseHandler { head in
            switch head.path {
            case "/204": HTTPResponse(status: .noContent, body: ByteBuffer(string: "x"))
            case "/304": HTTPResponse(status: .notModified, headers: ["Content-Length": "9"])
            default: HTTPResponse(status: .ok, body: ByteBuffer(string: "four"))
            }
        }
        let connection = try EmbeddedHTTP2(handler: handler)
        for (method, path, length) in [("HEAD", "/", "4"), ("GET", "/204", nil), ("GET", "/304", "9")] {
            let exchange = try connection.request(http2Request(method, path))
            #expect(exchange.text == "" && exchange.current.isEnded)
            #expect(exchange.field("content-length") == length, "\(path)")
        }
    }

    @Test("fields that belong to the server or the connection are its own; a value stays one value")
    func fields() throws {
        let headers: HTTPHeaders = [
            "Connection": "close", "Transfer-Encoding": "chunked", "Keep-Alive": "1", "Upgrade": "x",
            "Content-Length": "99", "X-A": "a\r\nb: c", "Bad Name": "x", "Date": "today",
        ]
        let template = HTTPResponseTemplate(status: .created, headers: headers)
        let handler = HTTPResponseHandler { head in
            head.path == "/t"
                ? HTTPResponse(template, headers: ["X-B": "b"], body: ByteBuffer(string: "t"))
                : HTTPResponse(status: .created, headers: headers, body: ByteBuffer(string: "p"))
        }
        let connection = try EmbeddedHTTP2(handler: handler)
        for path in ["/t", "/p"] {
            let exchange = try connection.request(http2Request("GET", path))
            let names = exchange.current.heads[0].map(\.name).filter { $0 != "x-b" }
            #expect(names == [":status", "x-a", "date", "content-length"])
            #expect(exchange.field("x-a") == "a  b: c")
            #expect(exchange.field("date") == "today")
            #expect(exchange.field("content-length") == "1")
            #expect(exchange.field("x-b") == (path == "/t" ? "b" : nil))
        }
    }

    @Test(
        "what is no request is refused, the connection goes on",
        arguments: [
            [(":path", "a")], [(":path", "*")], [(":method", "what")], [(":method", "get")],
            [(":scheme", "ftp")], [("host", "other")], [("x", "\u{1B}")],
        ]
    )
    func malformed(_ changes: [(String, String)]) throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        var headers = http2Request("GET", "/")
        for (name, value) in changes { headers.replaceOrAdd(name: name, value: value) }
        #expect(try connection.request(headers).status == 400)
        #expect(try connection.request(http2Request("GET", "/")).status == 200)
        #expect(try connection.request(http2Request("OPTIONS", "*")).status == 200)
    }

    @Test(
        "what HTTP/2 forbids is reset",
        arguments: [
            ("connection", "close"), ("transfer-encoding", "chunked"), ("te", "gzip"), ("X-Capital", "x"),
            ("x", "a\nb"), ("content-length", "4"), ("content-length", "6"), (":path", "/a b"), (":path", "/\u{7F}"),
            (":path", ""), (":other", "x"),
        ]
    )
    func forbidden(_ name: String, _ value: String) throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        var headers = http2Request("POST", "/")
        headers.replaceOrAdd(name: name, value: value)
        let refused = try connection.request(headers, "hello")
        #expect(refused.statuses == [])
        #expect(refused.current.resetReason == .protocolError)
        #expect(try connection.request(http2Request("GET", "/")).status == 200)
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("Expect: 100-continue is answered before the body, or with the final answer")
    func expectation() throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler(maximumByteCount: 10))
        let (channel, exchange) = try connection.open()
        channel.send(http2Request("POST", "/", [("expect", "100-continue")]), endsStream: false)
        try connection.run()
        #expect(exchange.statuses == ["100"])
        channel.send("hello", endsStream: true)
        try connection.run()
        #expect(exchange.statuses == ["100", "200"])
        let (late, refused) = try connection.open()
        late.send(http2Request("POST", "/", [("expect", "100-continue"), ("content-length", "11")]), endsStream: false)
        try connection.run()
        #expect(refused.statuses == ["413"])
        #expect(refused.current.isEnded && refused.current.resetReason == .noError)
    }

    @Test("limits: 413, 414, 415, 431, exact")
    func limits() throws {
        var limits = HTTPLimits()
        limits.maximumURILength = 10
        limits.maximumHeaderByteCount = 100
        limits.maximumHeaderFieldCount = 4
        limits.maximumBodyByteCount = 10
        let connection = try EmbeddedHTTP2(limits: limits, handler: EchoHandler())
        // `host: localhost` is 13 bytes of fields.
        let fields = (1...4).map { ("x\($0)", "") }
        for (headers, body, status) in [
            (http2Request("GET", "/234567890"), nil, 200), (http2Request("GET", "/2345678901"), nil, 414),
            (http2Request("GET", "/", [("x", String(repeating: "x", count: 86))]), nil, 200),
            (http2Request("GET", "/", [("x", String(repeating: "x", count: 87))]), nil, 431),
            (http2Request("GET", "/", Array(fields.prefix(3))), nil, 200), (http2Request("GET", "/", fields), nil, 431),
            (http2Request("POST", "/"), "0123456789", 200), (http2Request("POST", "/"), "0123456789a", 413),
            (http2Request("POST", "/", [("content-length", "11")]), "0123456789a", 413),
            (http2Request("POST", "/", [("content-encoding", "lzw")]), "x", 415),
            (http2Request("POST", "/", [("content-encoding", "gzip")]), "x", 400),
        ] as [(HPACKHeaders, String?, Int)] {
            #expect(try connection.request(headers, body).status == status, "\(headers)")
        }
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("trailers end a body, and count as fields")
    func trailers() throws {
        var limits = HTTPLimits()
        limits.maximumHeaderByteCount = 100
        let connection = try EmbeddedHTTP2(limits: limits, handler: EchoHandler())
        for (value, status) in [("x", 200), (String(repeating: "x", count: 100), 431)] {
            let (channel, exchange) = try connection.open()
            channel.send(http2Request("POST", "/"), endsStream: false)
            channel.send("body", endsStream: false)
            channel.send(HPACKHeaders([("x", value)]), endsStream: true)
            try connection.run()
            #expect(exchange.status == status)
        }
    }

    @Test("a compressed body")
    func compression() throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        let (channel, exchange) = try connection.open()
        channel.send(http2Request("POST", "/", [("content-encoding", "gzip")]), endsStream: false)
        channel.send(ByteBuffer(bytes: try compressed(Array("hello".utf8), .gzip)), endsStream: true)
        try connection.run()
        #expect(exchange.text == "POST / hello")
    }

    @Test("bodies that do not fit the server's memory are answered 503; in the end nothing is held")
    func budget() throws {
        var limits = HTTPLimits()
        limits.maximumInFlightByteCount = 10
        let handler = HoldingHandler()
        let connection = try EmbeddedHTTP2(limits: limits, handler: handler)
        let held = try connection.request(http2Request("POST", "/"), "01234567")
        #expect(connection.budget.heldByteCount == 8)
        for more in [[], [("content-length", "3")]] {
            let refused = try connection.request(http2Request("POST", "/", more), "abc")
            #expect(refused.status == 503)
            #expect(refused.field("retry-after") == "1")
        }
        let (channel, _) = try connection.open()
        channel.send(http2Request("POST", "/"), endsStream: false)
        channel.send("ab", endsStream: false)
        try connection.run()
        #expect(connection.budget.heldByteCount == 10)
        channel.reset(.cancel)
        try connection.run()
        #expect(connection.budget.heldByteCount == 8)
        handler.answer(0, "done")
        try connection.run()
        #expect(held.text == "done")
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("an answer before the end of the body: the rest is not wanted, and the stream is reset without an error")
    func earlyAnswer() throws {
        let connection = try EmbeddedHTTP2(
            handler: ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .forbidden, body: ByteBuffer(string: "no")))
                return .ignore
            }
        )
        let (channel, exchange) = try connection.open()
        channel.send(http2Request("POST", "/"), endsStream: false)
        try connection.run()
        #expect(exchange.status == 403 && exchange.text == "no")
        #expect(exchange.current.isEnded && exchange.current.resetReason == .noError)
        #expect(try connection.request(http2Request("GET", "/")).status == 403)
    }

    @Test("a responder that is dropped is a 500; a streamed answer that is dropped is reset")
    func dropped() throws {
        let connection = try EmbeddedHTTP2(
            handler: ClosureHandler { head, responder in
                if head.path == "/stream" { _ = responder.begin(HTTPResponse(status: .ok)) }
                return .ignore
            }
        )
        #expect(try connection.request(http2Request("GET", "/")).status == 500)
        let stream = try connection.request(http2Request("GET", "/stream"))
        #expect(stream.statuses == ["200"])
        #expect(stream.current.resetReason == .internalError)
    }

    @Test("records and metrics are those of HTTP/1")
    func records() throws {
        let records = Shared<[HTTPExchangeRecord]>([])
        let connection = try EmbeddedHTTP2(onExchange: { records.append($0) }, handler: EchoHandler())
        try connection.request(http2Request("POST", "/a?secret"), "hello")
        try connection.request(http2Request("POST", "nonsense"))
        #expect(records.value.map(\.status) == [.ok, .badRequest])
        #expect(records.value[0].method == .POST && records.value[0].path == "/a")
        #expect(records.value[0].requestBodyByteCount == 5)
        #expect(records.value[0].responseByteCount > "POST /a hello".utf8.count)
        #expect(records.value[1].method == nil && records.value[1].path == "")
    }

    @Test("a client that leaves is told to the handler")
    func leaving() throws {
        let events = Shared<[HTTPConnectionEvent]>([])
        let handler = HoldingHandler()
        let connection = try EmbeddedHTTP2(
            handler: ClosureHandler { head, responder in
                responder.onConnectionEvent { events.append($0) }
                return handler.receive(head, responder)
            }
        )
        let (channel, _) = try connection.open()
        channel.send(http2Request("GET", "/"), endsStream: true)
        try connection.run()
        channel.reset(.cancel)
        try connection.run()
        #expect(events.value == [.closed])
        handler.answer(0, "nobody")
        #expect(!connection.isClosed)
    }
}
