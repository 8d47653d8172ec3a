import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// What happens when somebody is too slow.
///
/// The clock is the test's.
@Suite struct DeadlineTests {
    private static let limits: HTTPLimits = {
        var limits = HTTPLimits()
        limits.headerTimeoutMilliseconds = 1_000
        limits.idleTimeoutMilliseconds = 5_000
        limits.requestTimeoutMilliseconds = 3_000
        limits.bodyIdleTimeoutMilliseconds = 1_500
        limits.minimumBodyBytesPerSecond = 10
        limits.minimumRateGraceMilliseconds = 2_000
        limits.writeTimeoutMilliseconds = 2_000
        limits.lingerTimeoutMilliseconds = 500
        return limits
    }()

    private func connection(_ handler: any HTTPHandler = EchoHandler()) throws -> EmbeddedConnection {
        try EmbeddedConnection(limits: Self.limits, handler: handler)
    }

    @Test("a connection that sends nothing is closed without a word")
    func nothing() throws {
        let connection = try self.connection()
        connection.advance(milliseconds: 900)
        #expect(!connection.isClosed)
        connection.advance(milliseconds: 300)
        #expect(connection.isClosed)
        #expect(try connection.receivedText() == "")
    }

    @Test("a first head that drips in is answered 408, counted from the connection's start")
    func slowHead() throws {
        let connection = try self.connection()
        for character in "GET / HTT" {
            connection.advance(milliseconds: 100)
            try connection.send(String(character))
            #expect(try connection.receivedText() == "")
        }
        connection.advance(milliseconds: 400)
        #expect(try connection.responses().map(\.status) == [408])
        #expect(connection.isLingering)
        connection.advance(milliseconds: 800)
        #expect(connection.isClosed)
    }

    @Test("a later head has its time from its first byte on")
    func slowLaterHead() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.advance(milliseconds: 4_000)
        try connection.send("GET / HTTP/1.1\r\n")
        connection.advance(milliseconds: 900)
        try connection.send("Host: h\r\n\r\n")
        #expect(try connection.responses().map(\.status) == [200, 200])
        try connection.send("G")
        connection.advance(milliseconds: 1_300)
        #expect(try connection.responses().map(\.status) == [200, 200, 408])
    }

    @Test("after a long body in one read the connection is idle, and not in the middle of a head")
    func idleAfterLongBody() throws {
        let connection = try self.connection()
        let body = String(repeating: "b", count: 100_000)
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n\(body)")
        connection.advance(milliseconds: 4_800)
        #expect(!connection.isClosed && !connection.isLingering)
        connection.advance(milliseconds: 500)
        #expect(connection.isClosed)
        #expect(try connection.responses().map(\.status) == [200])
    }

    @Test("an idle connection is closed without a word, counted from the last answer")
    func idle() throws {
        let connection = try self.connection()
        for _ in 0..<3 {
            try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            connection.advance(milliseconds: 4_800)
            #expect(!connection.isClosed)
        }
        connection.advance(milliseconds: 500)
        #expect(connection.isClosed)
        #expect(try connection.responses().map(\.status) == [200, 200, 200])
    }

    @Test("a body that never comes to its end is answered 408, however fast it comes")
    func slowBody() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        for _ in 0..<29 {
            connection.advance(milliseconds: 100)
            try connection.send("bb")
        }
        #expect(try connection.receivedText() == "")
        connection.advance(milliseconds: 400)
        #expect(try connection.responses().map(\.status) == [408])
    }

    @Test("a body that rests too long is answered 408")
    func restingBody() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        connection.advance(milliseconds: 1_000)
        try connection.send(String(repeating: "b", count: 50))
        connection.advance(milliseconds: 1_400)
        #expect(try connection.receivedText() == "")
        connection.advance(milliseconds: 500)
        #expect(try connection.responses().map(\.status) == [408])
        #expect(connection.isLingering)
    }

    @Test("a streamed body may take long, as long as it rests for no long time")
    func streamedBody() throws {
        let receiver = RecordingReceiver()
        let connection = try self.connection(StreamingHandler(receiver))
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        for _ in 0..<10 {
            connection.advance(milliseconds: 1_400)
            try connection.send(String(repeating: "b", count: 20))
        }
        #expect(try connection.receivedText() == "")
        connection.advance(milliseconds: 1_900)
        #expect(try connection.responses().map(\.status) == [408])
        #expect(receiver.events.value.count == 11)
        #expect(receiver.events.value.last == "failed timedOut")
        receiver.responder.value = nil
    }

    @Test("a streamed body that drips in is refused, at the minimum it is not", arguments: [(19, false), (20, true)])
    func rate(byteCount: Int, isFastEnough: Bool) throws {
        let receiver = RecordingReceiver()
        let connection = try self.connection(StreamingHandler(receiver))
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        // What came at once at the beginning is no credit for later.
        try connection.send(String(repeating: "b", count: 500))
        connection.advance(milliseconds: 1_000)
        try connection.send("b")
        connection.advance(milliseconds: 1_000)
        #expect(try connection.receivedText() == "")
        for (count, milliseconds) in [(5, 999), (5, 999), (byteCount - 10, 2)] {
            try connection.send(String(repeating: "b", count: count))
            #expect(try connection.receivedText() == "")
            connection.advance(milliseconds: Int64(milliseconds))
        }
        #expect(try connection.responses().map(\.status) == (isFastEnough ? [] : [408]))
        receiver.responder.value = nil
    }

    @Test("a pause that the receiver wants is not counted against the client, and gives it no new time either")
    func pausedBody() throws {
        let receiver = RecordingReceiver()
        let connection = try self.connection(StreamingHandler(receiver))
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nbbbb")
        for _ in 0..<3 {
            receiver.responder.value?.pauseBody()
            connection.advance(milliseconds: 60_000)
            #expect(try connection.receivedText() == "")
            receiver.responder.value?.resumeBody()
            connection.advance(milliseconds: 600)
            try connection.send("b")
            #expect(try connection.receivedText() == "")
        }
        // Two seconds in all, and seven bytes.
        connection.advance(milliseconds: 400)
        #expect(try connection.responses().map(\.status) == [408])
        #expect(receiver.events.value.last == "failed timedOut")
        receiver.responder.value = nil
    }

    @Test("a body that nobody wants has no more time than others")
    func unwantedBody() throws {
        let connection = try self.connection(
            ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .ok))
                return .ignore
            }
        )
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
        #expect(try connection.responses().map(\.status) == [200])
        connection.advance(milliseconds: 1_900)
        #expect(connection.isClosed)
    }

    @Test("a handler may take its time")
    func slowHandler() throws {
        let handler = HoldingHandler()
        let connection = try self.connection(handler)
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.advance(milliseconds: 600_000)
        handler.answer(0, "late")
        #expect(try connection.responses().map(\.body) == ["late"])
    }

    @Test("the answer to a slow handler's request begins a new idle time")
    func idleAfterSlowHandler() throws {
        let handler = HoldingHandler()
        let connection = try self.connection(handler)
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        connection.advance(milliseconds: 600_000)
        handler.answer(0, "late")
        connection.advance(milliseconds: 4_800)
        #expect(!connection.isClosed)
        connection.advance(milliseconds: 500)
        #expect(connection.isClosed)
    }

    @Test("the Date field is that of the wall clock, and shared by the connections of a loop")
    func date() throws {
        let connection = try self.connection()
        try connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let date = try #require(try connection.responses().first?["Date"])
        let now = HTTPDateText.now
        #expect([now, HTTPDateText.secondsAgo(1), HTTPDateText.secondsAgo(2)].contains(date))
    }
}
