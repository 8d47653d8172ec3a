import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// Requests that do not wait for the answer before.
@Suite struct PipeliningTests {
    private func requests(_ range: Range<Int>) -> String {
        range.map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
    }

    @Test("requests reach the handler one at a time, and answers go out in order")
    func order() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(self.requests(0..<3))
        #expect(handler.paths == ["/0"])
        handler.answer(0, "zero")
        #expect(handler.paths == ["/0", "/1"])
        handler.answer(1, "one")
        handler.answer(2, "two")
        #expect(try connection.responses().map(\.body) == ["zero", "one", "two"])
    }

    @Test("bodies and heads of pipelined requests stay apart")
    func bodies() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\naaa"
                + "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nb"
        )
        handler.answer(0, "")
        try connection.send("b")
        try connection.send("bGET /c HTTP/1.1\r\nHost: h\r\n\r\n")
        handler.answer(1, "")
        #expect(handler.paths == ["/a", "/b", "/c"])
        #expect(handler.bodies == ["aaa", "bbb", ""])
    }

    @Test("answers to one read go out in one write")
    func oneFlush() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        try connection.send(self.requests(0..<16))
        #expect(try connection.responses().count == 16)
        #expect(connection.flushCount == 1)
    }

    @Test("nothing is read while a request waits behind another")
    func backPressure() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        let readsBefore = connection.readCount
        try connection.send(self.requests(0..<2))
        #expect(connection.readCount == readsBefore)
        handler.answer(0, "")
        #expect(connection.readCount == readsBefore + 1)
    }

    @Test("a read stays asked for while only the answer is waited for, so that a client that leaves is noticed")
    func readWhileAnswering() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        let readsBefore = connection.readCount
        try connection.send(self.requests(0..<1))
        #expect(connection.readCount == readsBefore + 1)
    }

    @Test("ten thousand requests in one read are not decoded before their turn, and all are answered")
    func flood() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(self.requests(0..<10_000))
        let decoded = try connection.channel.pipeline.syncOperations.handler(type: HTTPConnection.self).queue.count
        #expect(decoded < 1_000)
        var index = 0
        while index < handler.count {
            handler.answer(index, "\(index)")
            index += 1
        }
        #expect(index == 10_000)
        #expect(try connection.responses().map(\.body) == (0..<10_000).map(String.init))
    }

    @Test("no new request is taken while the client does not take its answers")
    func slowReader() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(self.requests(0..<2))
        connection.isWritable = false
        handler.answer(0, "")
        #expect(handler.count == 1)
        connection.isWritable = true
        #expect(handler.count == 2)
    }

    @Test("a bad request behind a good one is refused after the good one's answer")
    func badBehindGood() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(self.requests(0..<1) + "BAD REQUEST\r\n\r\n")
        #expect(try connection.receivedText() == "")
        handler.answer(0, "good")
        #expect(try connection.responses().map(\.status) == [200, 400])
    }

    @Test("what is sent behind a half-closed request is answered too")
    func halfClosed() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(handler: handler)
        try connection.send(self.requests(0..<2))
        connection.closeInput()
        handler.answer(0, "zero")
        handler.answer(1, "one")
        #expect(try connection.responses().map(\.body) == ["zero", "one"])
        #expect(connection.isClosed)
    }
}
