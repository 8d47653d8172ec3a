import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import HTTPServer

/// What happens over HTTP/2 when somebody is too slow, asks for a pause, or goes.
///
/// The clock is the test's.
@Suite struct HTTP2DeadlineTests {
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

    private func connection(_ handler: any HTTPHandler = EchoHandler()) throws -> EmbeddedHTTP2 {
        try EmbeddedHTTP2(limits: Self.limits, handler: handler)
    }

    @Test("a connection without a request is closed after the time for a head")
    func nothing() throws {
        let connection = try connection()
        try connection.advance(milliseconds: 900)
        #expect(!connection.isClosed && connection.frames.value == [])
        try connection.advance(milliseconds: 300)
        #expect(connection.frames.value == ["GOAWAY 0 0"])
        try connection.advance(milliseconds: 900)
        #expect(connection.isClosed)
    }

    @Test("an idle connection is closed, counted from the end of its last stream")
    func idle() throws {
        let handler = HoldingHandler()
        let connection = try connection(handler)
        let exchange = try connection.request(http2Request("GET", "/"))
        try connection.advance(milliseconds: 60_000)
        handler.answer(0, "late")
        try connection.advance(milliseconds: 4_800)
        #expect(exchange.text == "late" && connection.frames.value == [])
        try connection.advance(milliseconds: 500)
        #expect(connection.frames.value == ["GOAWAY 1 0"])
    }

    @Test("a body that rests, or never ends, is answered 408; other streams go on")
    func slowBody() throws {
        let connection = try connection()
        let (resting, first) = try connection.open()
        let (endless, second) = try connection.open()
        for channel in [resting, endless] { channel.send(http2Request("POST", "/"), endsStream: false) }
        for step in 0..<29 {
            endless.send("bb", endsStream: false)
            try connection.advance(milliseconds: 100)
            #expect(first.status == (step < 15 ? nil : first.status))
        }
        #expect(first.status == 408 && first.current.isEnded && first.current.resetReason == .noError)
        #expect(second.status == nil)
        try connection.advance(milliseconds: 400)
        #expect(second.status == 408)
        #expect(try connection.request(http2Request("GET", "/")).status == 200)
        #expect(connection.budget.heldByteCount == 0)
    }

    @Test("a paused body stops at the window, is not late, and comes whole afterwards")
    func pause() throws {
        let receiver = RecordingReceiver()
        let connection = try connection(StreamingHandler(receiver))
        let (channel, exchange) = try connection.open()
        channel.send(http2Request("POST", "/"), endsStream: false)
        try connection.run()
        receiver.responder.value?.pauseBody()
        for _ in 0..<10 { channel.send(ByteBuffer(repeating: UInt8(ascii: "b"), count: 30_000), endsStream: false) }
        channel.send("", endsStream: true)
        try connection.advance(milliseconds: 60_000)
        #expect(receiver.events.value == [])
        #expect(!channel.isWritable)
        receiver.responder.value?.resumeBody()
        try connection.run()
        #expect(receiver.events.value.last == "finished")
        #expect(receiver.events.value.dropLast().joined().utf8.count == 300_000)
        receiver.responder.value?.respond(HTTPResponse(status: .ok))
        try connection.run()
        #expect(exchange.status == 200)
        receiver.responder.value = nil
    }

    @Test("a streamed answer waits for a reader that is slow, and is reset for one that reads nothing")
    func slowReader() throws {
        let stream = Shared<HTTPResponseStream?>(nil)
        let writable = Shared(0)
        let handler = ClosureHandler { _, responder in
            let begun = responder.begin(HTTPResponse(status: .ok))
            begun.onWritable { writable.value += 1 }
            stream.value = begun
            return .ignore
        }
        let connection = try connection(handler)
        let (channel, exchange) = try connection.open(reads: false)
        channel.send(http2Request("GET", "/"), endsStream: true)
        channel.read()
        try connection.run()
        for _ in 0..<10 { stream.value?.write(ByteBuffer(repeating: 1, count: 20_000)) }
        #expect(stream.value?.isWritable == false)
        for _ in 0..<10 {
            try connection.advance(milliseconds: 1_500)
            channel.read()
            try connection.run()
        }
        #expect(exchange.current.body.count == 200_000)
        #expect(stream.value?.isWritable == true && writable.value == 1)
        for _ in 0..<10 { stream.value?.write(ByteBuffer(repeating: 1, count: 20_000)) }
        try connection.run()
        try connection.advance(milliseconds: 3_000)
        #expect(stream.value?.isWritable == false)
        channel.read()
        try connection.run()
        #expect(exchange.current.resetReason == .cancel)
        #expect(connection.log.all.contains { $0.contains("reads nothing of a stream") })
        #expect(try connection.request(http2Request("GET", "/")).status == 200)
        stream.value = nil
    }

    @Test("drain: streams under way are told and finished, then the connection closes")
    func drain() throws {
        let events = Shared<[HTTPConnectionEvent]>([])
        let handler = HoldingHandler()
        let connection = try connection(
            ClosureHandler { head, responder in
                responder.onConnectionEvent { events.append($0) }
                return handler.receive(head, responder)
            }
        )
        let first = try connection.request(http2Request("GET", "/"))
        let (unfinished, second) = try connection.open()
        unfinished.send(http2Request("POST", "/"), endsStream: false)
        try connection.run()
        let drained = connection.group.drain(timeout: .seconds(600))
        try connection.run()
        unfinished.send("late", endsStream: true)
        try connection.run()
        #expect(connection.frames.value == ["GOAWAY 3 0"])
        #expect(events.value == [.draining, .draining])
        handler.answer(0, "first")
        try connection.run()
        #expect(first.text == "first" && second.status == nil)
        handler.answer(1, "second")
        try connection.run()
        #expect(second.text == "second")
        try connection.advance(milliseconds: 1_000)
        #expect(connection.isClosed)
        try drained.wait()
    }

    @Test("drain: an idle connection closes at once, and at the timeout the rest")
    func drainIdle() throws {
        let idle = try connection()
        try idle.request(http2Request("GET", "/"))
        _ = idle.group.drain(timeout: .seconds(600))
        try idle.run()
        #expect(idle.frames.value == ["GOAWAY 1 0"])
        let handler = HoldingHandler()
        let busy = try connection(handler)
        try busy.request(http2Request("GET", "/"))
        _ = busy.group.drain(timeout: .seconds(2))
        try busy.advance(milliseconds: 1_900)
        #expect(!busy.isClosed)
        try busy.advance(milliseconds: 200)
        #expect(busy.isClosed)
        handler.forgetAll()
    }

    @Test("from a client that does not take its answers nothing more is read")
    func jammed() throws {
        let handler = HoldingHandler()
        let connection = try connection(handler)
        connection.isWritable = false
        let readCount = connection.readCount
        try connection.request(http2Request("GET", "/"))
        #expect(handler.count == 0)
        #expect(connection.readCount == readCount)
        connection.isWritable = true
        #expect(handler.count == 1)
        #expect(connection.readCount > readCount)
        handler.answer(0, "")
    }

    @Test("an early answer comes whole to a slow reader, who must not send the rest of the body meanwhile")
    func earlyAnswer() throws {
        let connection = try connection(
            ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .ok, body: ByteBuffer(repeating: 1, count: 300_000)))
                return .ignore
            }
        )
        let (channel, exchange) = try connection.open(reads: false)
        channel.send(http2Request("POST", "/"), endsStream: false)
        for _ in 0..<10 { channel.send(ByteBuffer(repeating: 2, count: 30_000), endsStream: false) }
        channel.read()
        try connection.run()
        for _ in 0..<20 where exchange.current.resetReason == nil {
            #expect(!channel.isWritable)
            try connection.advance(milliseconds: 1_500)
            channel.read()
            try connection.run()
        }
        #expect(exchange.current.body.count == 300_000)
        #expect(exchange.current.isEnded && exchange.current.resetReason == .noError)
    }
}
