import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Each limit, at its value and one beyond.
@Suite struct LimitTests {
    private static let small: HTTPLimits = {
        var limits = HTTPLimits()
        limits.maximumURILength = 64
        limits.maximumHeaderByteCount = 128
        limits.maximumHeaderFieldCount = 4
        limits.maximumBodyByteCount = 100
        limits.maximumDiscardedByteCount = 200
        return limits
    }()

    private func connection(_ handler: any HTTPHandler = EchoHandler()) throws -> EmbeddedConnection {
        try EmbeddedConnection(limits: Self.small, handler: handler)
    }

    /// The status of the answer to `request`, and whether the connection may be used again.
    private func outcome(_ request: String) throws -> (status: Int?, isUsable: Bool) {
        let connection = try self.connection()
        try connection.send(request)
        let response = try connection.responses().last
        let closes = response?["Connection"] == "close"
        #expect(closes == (connection.isClosed || connection.isLingering))
        return (response?.status, !closes)
    }

    @Test("the request target")
    func target() throws {
        let atLimit = "/" + String(repeating: "a", count: 63)
        #expect(try self.outcome("GET \(atLimit) HTTP/1.1\r\nHost: h\r\n\r\n") == (200, true))
        #expect(try self.outcome("GET \(atLimit)a HTTP/1.1\r\nHost: h\r\n\r\n") == (414, false))
    }

    @Test("a request target that never ends", arguments: [1, 7, 4096])
    func endlessTarget(sliceByteCount: Int) throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        try connection.send("GET /")
        for _ in 0..<300 { try connection.send(String(repeating: "a", count: sliceByteCount)) }
        #expect(try connection.responses().map(\.status) == [200, 414])
    }

    @Test("the bytes of the header fields")
    func fieldBytes() throws {
        // "Host" and "h" are 5 bytes, "A" is one.
        let atLimit = String(repeating: "a", count: 122)
        #expect(try self.outcome("GET / HTTP/1.1\r\nHost: h\r\nA: \(atLimit)\r\n\r\n") == (200, true))
        #expect(try self.outcome("GET / HTTP/1.1\r\nHost: h\r\nA: \(atLimit)a\r\n\r\n") == (431, false))
    }

    @Test("a header field that never ends, in its name or its value", arguments: ["A: a", "A"])
    func endlessField(beginning: String) throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\(beginning)")
        for _ in 0..<300 { try connection.send("aaaaaaaaaaaa") }
        #expect(try connection.responses().map(\.status) == [431])
    }

    @Test("the number of header fields, trailers included")
    func fieldCount() throws {
        #expect(try self.outcome("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n") == (200, true))
        #expect(try self.outcome("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n") == (431, false))
        let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        #expect(try self.outcome(chunked + "A: 1\r\nB: 2\r\n\r\n") == (200, true))
        #expect(try self.outcome(chunked + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n") == (431, false))
    }

    @Test("the body: with a length, the refusal does not wait for it")
    func bodyWithLength() throws {
        let body = String(repeating: "b", count: 100)
        #expect(try self.outcome("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n\(body)") == (200, true))
        #expect(try self.outcome("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n") == (413, false))
        #expect(
            try self.outcome("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n") == (
                413, false
            )
        )
        #expect(
            try self.outcome("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n") == (
                413, false
            )
        )
    }

    @Test("the body: in chunks")
    func bodyInChunks() throws {
        let beginning = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let chunk = "32\r\n\(String(repeating: "b", count: 50))\r\n"
        #expect(try self.outcome(beginning + chunk + chunk + "0\r\n\r\n") == (200, true))
        #expect(try self.outcome(beginning + chunk + chunk + "1\r\nb\r\n") == (413, false))
    }

    @Test("a handler's own body limit is larger or smaller than the server's", arguments: [10, 150])
    func ownBodyLimit(maximumByteCount: Int) throws {
        for (byteCount, status) in [(maximumByteCount, 200), (maximumByteCount + 1, 413)] {
            let connection = try self.connection(EchoHandler(maximumByteCount: maximumByteCount))
            let body = String(repeating: "b", count: byteCount)
            try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(byteCount)\r\n\r\n\(body)")
            #expect(try connection.responses().map(\.status) == [status])
        }
    }

    @Test("the refusals speak JSON")
    func refusalBody() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n")
        let response = try #require(try connection.responses().last)
        #expect(response["Content-Type"] == "application/json; charset=utf-8")
        #expect(response.body == #"{"success":false,"error":"request entity too large"}"#)
    }

    @Test("a handler makes its own answer to a body it cannot have")
    func ownRefusal() throws {
        let connection = try self.connection(
            ClosureHandler { _, _ in
                .collect(
                    maximumByteCount: 1,
                    failure: { HTTPResponse(status: .imATeapot, body: ByteBuffer(string: "\($0)")) },
                    then: { _, _ in Issue.record("the body came") }
                )
            }
        )
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n")
        let response = try #require(try connection.responses().last)
        #expect(response.status == 418)
        #expect(response.body == "tooLarge(maximumByteCount: 1)")
        #expect(response["Connection"] == "close")
    }

    @Test("after a refusal the input is dropped until the client closes")
    func lingering() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n")
        #expect(connection.isLingering)
        for _ in 0..<10 { try connection.send(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 100)) }
        #expect(connection.isLingering)
        #expect(try connection.responses().count == 1)
        connection.closeInput()
        #expect(connection.isClosed)
    }

    @Test("a body that nobody wants is dropped up to its limit, and the connection stays")
    func discardedBody() throws {
        for (byteCount, isUsable) in [(200, true), (201, false)] {
            let connection = try self.connection(HTTPResponseHandler { _ in HTTPResponse(status: .notFound) })
            try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(byteCount)\r\n\r\n")
            try connection.send(String(repeating: "b", count: byteCount) + "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try connection.responses().map(\.status) == (isUsable ? [404, 404] : [404]))
            #expect(connection.isLingering == !isUsable)
        }
    }
}
