import Compression
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPServer

/// How many bytes of bodies a server holds at a time.
///
/// Each test ends with nothing held.
@Suite struct BodyBudgetTests {
    private static func limits(_ byteCount: Int) -> HTTPLimits {
        var limits = HTTPLimits()
        limits.maximumInFlightByteCount = byteCount
        return limits
    }

    private static func post(_ body: String, _ fields: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test("a body that just fits is taken, one byte more is answered 503; both leave the connection in use")
    func exact() throws {
        let connection = try EmbeddedConnection(limits: Self.limits(10), handler: EchoHandler())
        try connection.send(Self.post("0123456789") + Self.post("0123456789a") + Self.post("a"))
        let responses = try connection.responses()
        #expect(responses.map(\.status) == [200, 503, 200])
        #expect(responses[1]["Retry-After"] == "1")
        #expect(responses[1].body == #"{"success":false,"error":"too many requests are under way"}"#)
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("what a handler works on counts until its answer is written")
    func untilAnswered() throws {
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(limits: Self.limits(10), handler: handler)
        try connection.send(Self.post("0123456"))
        #expect(connection.budget.heldByteCount == 7)
        #expect(connection.budget.hasRoom(for: 3) && !connection.budget.hasRoom(for: 4))
        handler.answer(0, "")
        #expect(connection.budget.heldByteCount == 0)
        #expect(try connection.responses().map(\.status) == [200])
    }

    @Test("a client that waits for 100 Continue is answered 503 instead, and the connection ends")
    func expectation() throws {
        let connection = try EmbeddedConnection(limits: Self.limits(10), handler: EchoHandler())
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
        let responses = try connection.responses()
        #expect(responses.map(\.status) == [503])
        #expect(responses[0]["Connection"] == "close")
    }

    @Test("announcing a body takes no room; its bytes do, and the one that is too much is answered 503")
    func announced() throws {
        let connection = try EmbeddedConnection(limits: Self.limits(10), handler: EchoHandler())
        try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
        #expect(connection.budget.heldByteCount == 0)
        try connection.send("01234")
        #expect(connection.budget.heldByteCount == 5)
        connection.disconnect()
        #expect(connection.budget.heldByteCount == 0)

        let chunked = try EmbeddedConnection(limits: Self.limits(10), handler: EchoHandler())
        try chunked.send(Self.chunked + "8\r\n01234567\r\n")
        #expect(chunked.budget.heldByteCount == 8)
        try chunked.send("3\r\n89a\r\n")
        #expect(try chunked.responses().map(\.status) == [503])
        #expect(chunked.budget.heldByteCount == 0)
        try chunked.send("0\r\n\r\n" + Self.post("a"))
        #expect(try chunked.responses().map(\.status) == [503, 200])
        #expect(chunked.budget.heldByteCount == 0)
    }

    @Test("both sizes of a compressed body count", arguments: [-1, 0])
    func bothSizes(difference: Int) throws {
        let body = try compressed(Array(repeating: UInt8(ascii: "a"), count: 1000), .gzip)
        let limits = Self.limits(body.count + 1000 + difference)
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(limits: limits, handler: handler)
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n"
        try connection.send(Array(head.utf8) + body)
        #expect(handler.count == (difference < 0 ? 0 : 1))
        if difference < 0 {
            #expect(try connection.responses().map(\.status) == [503])
        } else {
            #expect(connection.budget.heldByteCount == body.count + 1000)
            handler.answer(0, "")
        }
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("a handler's own answer gets the field too, and keeps its own")
    func ownAnswer() throws {
        for own in [nil, "7"] {
            let handler = ClosureHandler { _, _ in
                .collect(
                    failure: { failure in
                        #expect(failure == .overloaded)
                        return HTTPResponse(status: .tooManyRequests, headers: own.map { ["Retry-After": $0] } ?? [:])
                    },
                    then: { _, _ in }
                )
            }
            let connection = try EmbeddedConnection(limits: Self.limits(1), handler: handler)
            try connection.send(Self.post("ab"))
            let responses = try connection.responses()
            #expect(responses.map(\.status) == [429])
            #expect(responses[0]["Retry-After"] == own ?? "1")
        }
    }

    @Test(
        "whatever the end of an exchange, nothing stays held",
        arguments: ["answer", "leave", "drop", "late", "malformed", "tooLarge", "notGzip", "stream", "drain"]
    )
    func ends(_ end: String) throws {
        var limits = Self.limits(100)
        limits.maximumBodyByteCount = 10
        let handler = HoldingHandler()
        let connection = try EmbeddedConnection(limits: limits, handler: handler)
        switch end {
        case "late", "malformed", "tooLarge":
            try connection.send(Self.chunked + "5\r\n01234\r\n")
        case "notGzip":
            try connection.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n0123")
        default:
            try connection.send(Self.post("01234"))
        }
        #expect(connection.budget.heldByteCount > 0)
        switch end {
        case "answer": handler.answer(0, "")
        case "leave":
            connection.disconnect()
            handler.forgetAll()
        case "drop": handler.forgetAll()
        case "late": connection.advance(milliseconds: 20_000)
        case "malformed": try connection.send("what?\r\n")
        case "tooLarge": try connection.send("6\r\n567890\r\n")
        case "notGzip": try connection.send("4")
        case "stream":
            let stream = handler.responder(0).begin(HTTPResponse(status: .ok))
            #expect(connection.budget.heldByteCount == 5)
            stream.end()
        default:
            _ = connection.group.drain(timeout: .seconds(1))
            #expect(connection.budget.heldByteCount == 5)
            connection.advance(milliseconds: 2_000)
            handler.forgetAll()
        }
        connection.loop.run()
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("streamed bodies are not counted")
    func streamed() throws {
        let receiver = RecordingReceiver()
        let connection = try EmbeddedConnection(limits: Self.limits(1), handler: StreamingHandler(receiver))
        try connection.send(Self.post("0123456789"))
        #expect(receiver.events.value == ["0123456789", "finished"])
        #expect(connection.budget.heldByteCount == 0)
        receiver.responder.value = nil
    }
}
