import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Answers that are sent in parts.
@Suite struct StreamedResponseTests {
    private let stream = Shared<HTTPResponseStream?>(nil)
    private let events = Shared<[HTTPConnectionEvent]>([])

    private func connection(_ head: HTTPResponse = HTTPResponse(status: .ok)) throws -> EmbeddedConnection {
        try EmbeddedConnection(
            handler: ClosureHandler { [stream, events] _, responder in
                let begun = responder.begin(head)
                begun.onConnectionEvent { events.append($0) }
                stream.value = begun
                return .ignore
            }
        )
    }

    private func write(_ text: String, promise: EventLoopPromise<Void>? = nil) {
        self.stream.value?.write(ByteBuffer(string: text), promise: promise)
    }

    @Test("parts go out as chunks at once, and the connection stays")
    func chunks() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let head = try connection.receivedText()
        #expect(head.hasSuffix("Transfer-Encoding: chunked\r\n\r\n"))
        self.write("hello")
        self.write("")
        self.write(String(repeating: "x", count: 16))
        #expect(try connection.receivedText() == head + "5\r\nhello\r\n10\r\nxxxxxxxxxxxxxxxx\r\n")
        self.stream.value?.end()
        self.stream.value?.end()
        self.write("late")
        #expect(try connection.receivedText().hasSuffix("\r\n0\r\n\r\n"))
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.stream.value?.end()
        #expect(try connection.responses().map(\.body) == ["helloxxxxxxxxxxxxxxxx", ""])
        #expect(connection.log.all.isEmpty)
    }

    @Test("large parts are sent as they lie")
    func largeParts() throws {
        let connection = try self.connection(HTTPResponse(status: .ok, body: ByteBuffer(string: "first")))
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let part = String(repeating: "0123456789", count: 10_000)
        self.write(part)
        self.write("last")
        self.stream.value?.end()
        #expect(try connection.responses().map(\.body) == ["first" + part + "last"])
    }

    @Test("a declared length is sent instead of chunks")
    func declaredLength() throws {
        let connection = try self.connection(HTTPResponse(status: .ok, headers: ["Content-Length": "5"]))
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.write("he")
        self.write("llo")
        self.stream.value?.end()
        let response = try #require(try connection.responses().first)
        #expect(response.body == "hello")
        #expect(response["Transfer-Encoding"] == nil)
        #expect(!connection.isClosed)
    }

    @Test("a declared length that is not kept closes the connection", arguments: ["hell", "hellos"])
    func brokenPromise(text: String) throws {
        let connection = try self.connection(HTTPResponse(status: .ok, headers: ["Content-Length": "5"]))
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.write(text)
        self.stream.value?.end()
        #expect(connection.isClosed)
        #expect(connection.log.all.contains { $0.contains("declared length") })
    }

    @Test("HTTP/1.0 gets the body up to the close of the connection")
    func version10() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        self.write("he")
        self.write("llo")
        self.stream.value?.end()
        let response = try #require(try connection.responses().first)
        #expect(response.body == "hello")
        #expect(response["Connection"] == "close")
        #expect(connection.isClosed)
    }

    @Test("HEAD gets the head of a stream and nothing else")
    func head() throws {
        let connection = try self.connection()
        try connection.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.write("hello")
        self.stream.value?.end()
        let text = try connection.receivedText()
        #expect(text.hasSuffix(" GMT\r\n\r\n"))
        #expect(!connection.isClosed)
    }

    @Test("a write tells when the kernel has the bytes, and when it never will")
    func writePromise() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let taken = connection.loop.makePromise(of: Void.self)
        self.write("hello", promise: taken)
        #expect(throws: Never.self) { try taken.futureResult.wait() }
        connection.disconnect()
        let lost = connection.loop.makePromise(of: Void.self)
        self.write("hello", promise: lost)
        #expect(throws: (any Error).self) { try lost.futureResult.wait() }
    }

    @Test("back-pressure: not writable, then a callback when it is again")
    func backPressure() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let calls = Shared(0)
        self.stream.value?.onWritable { calls.value += 1 }
        connection.isWritable = false
        #expect(self.stream.value?.isWritable == false)
        #expect(calls.value == 0)
        connection.isWritable = true
        #expect(self.stream.value?.isWritable == true)
        #expect(calls.value == 1)
        self.stream.value?.end()
        connection.isWritable = false
        connection.isWritable = true
        #expect(calls.value == 1)
    }

    @Test("the client goes away: an event, and writes that come to nothing")
    func disconnect() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.disconnect()
        #expect(self.events.value == [.closed])
        #expect(self.stream.value?.isWritable == false)
        self.write("hello")
        self.stream.value?.end()
    }

    @Test("the client closes its side: an event, and the stream goes on until it ends")
    func halfClose() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.closeInput()
        #expect(self.events.value == [.inputClosed])
        self.write("hello")
        self.stream.value?.end()
        #expect(try connection.responses().map(\.body) == ["hello"])
        #expect(connection.isClosed)
    }

    @Test("an observer that comes too late is told so at once")
    func lateObserver() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.disconnect()
        handler.responder(0).onConnectionEvent { [events] in events.append($0) }
        #expect(self.events.value == [.closed])
        handler.answer(0, "nobody hears")
    }

    @Test("a stream that is dropped before its end closes the connection, so that the client sees it")
    func dropped() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.write("hello")
        self.stream.value = nil
        #expect(try connection.responses().isEmpty)
        #expect(connection.isClosed)
        #expect(connection.log.all.contains { $0.contains("before its end") })
    }

    @Test("a body that becomes too large while its answer is streamed cuts the answer off")
    func bodyTooLargeDuringAnswer() throws {
        let stream = self.stream
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, responder in
                stream.value = responder.begin(HTTPResponse(status: .ok))
                return .collect(maximumByteCount: 1) { _, _ in Issue.record("the body came") }
            }
        )
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        #expect(try connection.responses().isEmpty)
        #expect(connection.isClosed)
        stream.value?.end()
    }

    @Test("a bad next request does not disturb the stream before it")
    func badRequestBehind() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nBAD\r\n\r\n")
        self.write("hello")
        self.stream.value?.end()
        #expect(try connection.responses().map(\.status) == [200, 400])
    }
}
