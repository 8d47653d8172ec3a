import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Bodies that a handler takes in parts.
@Suite struct StreamedBodyTests {
    private let receiver = RecordingReceiver()

    private func connection(maximumByteCount: Int? = nil) throws -> EmbeddedConnection {
        try EmbeddedConnection(
            handler: ClosureHandler { [receiver] head, responder in
                guard head.method == .POST else {
                    responder.respond(HTTPResponse(status: .ok))
                    return .ignore
                }
                receiver.responder.value = responder
                return .stream(maximumByteCount: maximumByteCount, to: receiver)
            }
        )
    }

    private func answer(_ text: String = "") {
        self.receiver.responder.value?.respond(HTTPResponse(status: .ok, body: ByteBuffer(string: text)))
    }

    @Test("parts come as they arrive, then the end")
    func parts() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        #expect(self.receiver.events.value == ["he"])
        try connection.send("llo")
        #expect(self.receiver.events.value == ["he", "llo", "finished"])
        self.answer("thanks")
        #expect(try connection.responses().map(\.body) == ["thanks"])
    }

    @Test("a paused receiver gets nothing, and nothing more is read")
    func pause() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab")
        self.receiver.responder.value?.pauseBody()
        try connection.send("cd")
        let readsBefore = connection.readCount
        #expect(self.receiver.events.value == ["ab"])
        self.receiver.responder.value?.resumeBody()
        #expect(self.receiver.events.value == ["ab", "cd"])
        #expect(connection.readCount == readsBefore + 1)
        try connection.send("ef")
        #expect(self.receiver.events.value == ["ab", "cd", "ef", "finished"])
        self.answer()
        #expect(try connection.responses().count == 1)
    }

    @Test("a chunked body pauses in the middle of a read")
    func pauseInRead() throws {
        let receiver = self.receiver
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, responder in
                receiver.responder.value = responder
                responder.pauseBody()
                return .stream(to: receiver)
            }
        )
        try connection.send(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
        )
        #expect(receiver.events.value == [])
        receiver.responder.value?.resumeBody()
        #expect(receiver.events.value == ["a", "b", "finished"])
        self.answer()
        #expect(try connection.responses().count == 1)
    }

    @Test("a body over the limit ends the parts, and the server answers 413")
    func tooLarge() throws {
        let connection = try self.connection(maximumByteCount: 3)
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n")
        #expect(self.receiver.events.value == ["abc", "failed tooLarge(maximumByteCount: 3)"])
        #expect(try connection.responses().map(\.status) == [413])
        #expect(connection.isLingering)
        self.answer()
        #expect(try connection.responses().count == 1)
    }

    @Test("a client that goes away in the middle of its body")
    func disconnect() throws {
        let connection = try self.connection()
        let events = Shared<[HTTPConnectionEvent]>([])
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        self.receiver.responder.value?.onConnectionEvent { events.append($0) }
        connection.disconnect()
        #expect(self.receiver.events.value == ["he", "failed disconnected"])
        #expect(events.value == [.closed])
        self.answer()
    }

    @Test("a client that half-closes in the middle of its body gets a 400")
    func halfClose() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        connection.closeInput()
        #expect(self.receiver.events.value == ["he", "failed disconnected"])
        #expect(try connection.responses().map(\.status) == [400])
        #expect(connection.isClosed)
        self.answer()
    }

    @Test("an early answer ends the parts; the rest is dropped and the connection stays")
    func earlyAnswer() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        self.answer("enough")
        try connection.send("lloGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(self.receiver.events.value == ["he"])
        #expect(try connection.responses().map(\.status) == [200, 200])
    }

    @Test("an early answer lets a paused body go")
    func earlyAnswerWhilePaused() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        self.receiver.responder.value?.pauseBody()
        try connection.send("lloGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.answer("enough")
        #expect(try connection.responses().map(\.status) == [200, 200])
    }

    @Test("a pause after the answer holds nothing back")
    func pauseAfterAnswer() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")
        self.answer("enough")
        self.receiver.responder.value?.pauseBody()
        try connection.send("lloGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try connection.responses().map(\.status) == [200, 200])
    }

    @Test("100 Continue is sent for a streamed body too")
    func expectContinue() throws {
        let connection = try self.connection()
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        #expect(try connection.receivedText() == "HTTP/1.1 100 Continue\r\n\r\n")
        self.receiver.responder.value = nil
    }
}
