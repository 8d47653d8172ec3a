import NIOHTTP1
import Testing

@testable import HTTPServer

/// Transcripts: what happened on the left, what to do on the right.
@Suite struct ConnectionStateMachineTests {
    private func machine(discarding maximumDiscardedByteCount: Int = 100) -> ConnectionMachine {
        ConnectionMachine(maximumDiscardedByteCount: maximumDiscardedByteCount)
    }

    private func framing(_ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1) throws -> HTTPRequestFraming {
        var headers = fields
        headers.add(name: "Host", value: "h")
        return try HTTPRequestFraming(
            HTTPRequestHead(version: version, method: .POST, uri: "/", headers: headers),
            limits: HTTPLimits()
        )
    }

    @Test("two requests, one after the other")
    func keepAlive() throws {
        let state = self.machine()
        #expect(state.timeout == .firstHead)
        for identifier: UInt64 in 1...2 {
            #expect(state.receiveHead(try self.framing(["Content-Length": "3"])) == .deliver(identifier))
            #expect(state.planBody(.take(maximumByteCount: 3)) == .proceed)
            #expect(state.timeout == .body)
            #expect(state.expectedBodyByteCount == 3)
            #expect(state.receiveBody(byteCount: 3) == .deliver)
            #expect(state.expectedBodyByteCount == 0)
            #expect(state.receiveEnd() == .deliver)
            #expect(state.timeout == .none)
            #expect(!state.acceptsInput)
            #expect(state.beginResponse(identifier, closes: false, hasMore: false) == .write(closes: false))
            #expect(state.endResponse(identifier) == .next)
            #expect(state.timeout == .idle)
            #expect(state.acceptsInput)
        }
    }

    @Test("an answer before the end of the request: the rest is dropped, the connection stays")
    func earlyAnswer() throws {
        let state = self.machine(discarding: 100)
        #expect(state.receiveHead(try self.framing(["Content-Length": "90"])) == .deliver(1))
        #expect(state.planBody(.discard) == .discard)
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: false))
        #expect(state.endResponse(1) == .discardBody)
        #expect(state.receiveBody(byteCount: 90) == .drop)
        #expect(state.receiveEnd() == .next)
        #expect(state.state == .idle)
    }

    @Test("an answer before the formal end of a request without a body closes without lingering")
    func answerBeforeFormalEnd() throws {
        let state = self.machine()
        #expect(state.receiveHead(try self.framing()) == .deliver(1))
        #expect(state.beginResponse(1, closes: true, hasMore: false) == .write(closes: true))
        #expect(state.endResponse(1) == .close)
    }

    @Test("an answer before a body that is too long to be dropped closes, and lingers")
    func earlyAnswerBeforeLongBody() throws {
        let state = self.machine(discarding: 100)
        #expect(state.receiveHead(try self.framing(["Content-Length": "101"])) == .deliver(1))
        #expect(state.planBody(.discard) == .discard)
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: true))
        #expect(state.endResponse(1) == .linger)
        #expect(state.receiveBody(byteCount: 50) == .drop)
        #expect(state.timeout == .none)
        #expect(state.finishOutput(lingers: true))
        #expect(state.timeout == .lingering)
        #expect(state.closeInput() == .close)
    }

    @Test("a dropped chunked body closes the connection when it is too long")
    func longChunkedBodyIsDropped() throws {
        let state = self.machine(discarding: 100)
        #expect(state.receiveHead(try self.framing(["Transfer-Encoding": "chunked"])) == .deliver(1))
        #expect(state.planBody(.discard) == .discard)
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: false))
        #expect(state.endResponse(1) == .discardBody)
        #expect(state.receiveBody(byteCount: 100) == .drop)
        #expect(state.receiveBody(byteCount: 1) == .close)
        #expect(state.isClosing)
    }

    @Test("a body over the handler's limit: known at once, or found out", arguments: [true, false])
    func bodyTooLarge(declared: Bool) throws {
        let state = self.machine()
        let fields: HTTPHeaders = declared ? ["Content-Length": "11"] : ["Transfer-Encoding": "chunked"]
        #expect(state.receiveHead(try self.framing(fields)) == .deliver(1))
        if declared {
            #expect(state.planBody(.take(maximumByteCount: 10)) == .refuseTooLarge)
        } else {
            #expect(state.planBody(.take(maximumByteCount: 10)) == .proceed)
            #expect(state.receiveBody(byteCount: 10) == .deliver)
            #expect(state.receiveBody(byteCount: 1) == .refuseTooLarge)
        }
        #expect(state.beginResponse(1, closes: true, hasMore: false) == .write(closes: true))
        #expect(state.endResponse(1) == .linger)
    }

    @Test("100 Continue is sent when the body is wanted")
    func expectContinue() throws {
        let state = self.machine()
        #expect(
            state.receiveHead(try self.framing(["Content-Length": "3", "Expect": "100-continue"]))
                == .deliver(1)
        )
        #expect(state.planBody(.take(maximumByteCount: 3)) == .sendContinue)
        #expect(state.receiveBody(byteCount: 3) == .deliver)
        #expect(state.receiveEnd() == .deliver)
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: false))
    }

    @Test("an answer instead of 100 Continue closes: nobody knows whether the body comes")
    func answerInsteadOfContinue() throws {
        let state = self.machine()
        #expect(
            state.receiveHead(try self.framing(["Content-Length": "3", "Expect": "100-continue"]))
                == .deliver(1)
        )
        #expect(state.planBody(.discard) == .discard)
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: true))
        #expect(state.endResponse(1) == .linger)
    }

    @Test("a late answer to an earlier request is dropped")
    func answerToEarlierRequest() throws {
        let state = self.machine()
        _ = state.receiveHead(try self.framing())
        _ = state.receiveEnd()
        _ = state.beginResponse(1, closes: false, hasMore: false)
        _ = state.endResponse(1)
        _ = state.receiveHead(try self.framing())
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .drop)
        #expect(state.beginResponse(2, closes: false, hasMore: true) == .write(closes: false))
        #expect(state.beginResponse(2, closes: false, hasMore: true) == .drop)
        #expect(state.endResponse(1) == .drop)
    }

    @Test("a refusal answers a waiting request, cuts an answer that has begun, and is nothing afterwards")
    func refusal() throws {
        let idle = self.machine()
        #expect(idle.refuse() == .answer)
        #expect(idle.refuse() == .drop)

        let pending = self.machine()
        _ = pending.receiveHead(try self.framing(["Content-Length": "3"]))
        #expect(pending.refuse() == .answer)
        #expect(pending.beginResponse(1, closes: false, hasMore: false) == .drop)

        let streaming = self.machine()
        _ = streaming.receiveHead(try self.framing(["Content-Length": "3"]))
        _ = streaming.beginResponse(1, closes: false, hasMore: true)
        #expect(streaming.refuse() == .close)
    }

    @Test("half closure: an idle connection closes, a request is answered first")
    func halfClosure() throws {
        let idle = self.machine()
        #expect(idle.closeInput() == .close)

        let busy = self.machine()
        _ = busy.receiveHead(try self.framing())
        _ = busy.receiveEnd()
        #expect(busy.closeInput() == .notify)
        #expect(busy.beginResponse(1, closes: false, hasMore: false) == .write(closes: true))
        #expect(busy.endResponse(1) == .close)
        #expect(!busy.finishOutput(lingers: true))
    }

    @Test("drain: an idle connection closes, a head may arrive to its end, an answer says that it is the last")
    func drain() throws {
        let fresh = self.machine()
        #expect(fresh.drain() == .drop)
        #expect(fresh.timeout == .lastHead)
        #expect(fresh.receiveHead(try self.framing()) == .deliver(1))
        _ = fresh.receiveEnd()
        #expect(fresh.beginResponse(1, closes: false, hasMore: false) == .write(closes: true))

        let idle = self.machine()
        _ = idle.receiveHead(try self.framing())
        _ = idle.receiveEnd()
        _ = idle.beginResponse(1, closes: false, hasMore: false)
        #expect(idle.endResponse(1) == .next)
        #expect(idle.drain() == .close)

        let reading = self.machine()
        #expect(reading.receiveHeadBytes(sinceExchange: 0))
        #expect(reading.drain() == .drop)
        #expect(reading.receiveHead(try self.framing()) == .deliver(1))
        _ = reading.receiveEnd()
        #expect(reading.beginResponse(1, closes: false, hasMore: false) == .write(closes: true))

        let streaming = self.machine()
        _ = streaming.receiveHead(try self.framing())
        _ = streaming.receiveEnd()
        #expect(streaming.beginResponse(1, closes: false, hasMore: true) == .write(closes: false))
        #expect(streaming.drain() == .notify)
        #expect(streaming.endResponse(1) == .close)
    }

    @Test("drain while the rest of an answered request is dropped: it closes at the request's end")
    func drainWhileDiscarding() throws {
        let state = self.machine()
        _ = state.receiveHead(try self.framing(["Content-Length": "3"]))
        #expect(state.beginResponse(1, closes: false, hasMore: false) == .write(closes: false))
        #expect(state.endResponse(1) == .discardBody)
        #expect(state.drain() == .notify)
        #expect(state.receiveBody(byteCount: 3) == .drop)
        #expect(state.receiveEnd() == .close)
        #expect(state.isClosing)
    }

    @Test("what happens when a time is over, state by state")
    func expiration() throws {
        let state = self.machine()
        #expect(state.expirationAction == .close)
        #expect(state.receiveHeadBytes(sinceExchange: 0))
        #expect(state.timeout == .firstHead)
        #expect(state.expirationAction == .refuse)
        _ = state.receiveHead(try self.framing(["Content-Length": "3"]))
        #expect(state.expirationAction == .refuse)
        state.pauseBody(1, true)
        #expect(state.timeout == .none)
        #expect(state.expirationAction == .drop)
        state.pauseBody(1, false)
        _ = state.receiveBody(byteCount: 3)
        _ = state.receiveEnd()
        #expect(state.expirationAction == .drop)
        _ = state.beginResponse(1, closes: false, hasMore: false)
        _ = state.endResponse(1)
        #expect(state.receiveHeadBytes(sinceExchange: 1))
        #expect(state.timeout == .laterHead)
        state.close()
        #expect(state.expirationAction == .drop)
    }

    @Test("the beginning of a head is not taken for one when a whole request came with it")
    func headBytes() throws {
        let state = self.machine()
        _ = state.receiveHead(try self.framing())
        _ = state.receiveEnd()
        _ = state.beginResponse(1, closes: false, hasMore: false)
        _ = state.endResponse(1)
        #expect(!state.receiveHeadBytes(sinceExchange: 0))
        #expect(state.timeout == .idle)
    }

    @Test("a paused body holds the input back; the answer's end lets it go")
    func pause() throws {
        let state = self.machine()
        _ = state.receiveHead(try self.framing(["Content-Length": "30"]))
        _ = state.planBody(.take(maximumByteCount: 30))
        state.pauseBody(1, true)
        #expect(!state.acceptsInput)
        state.pauseBody(7, false)
        #expect(!state.acceptsInput)
        _ = state.beginResponse(1, closes: false, hasMore: false)
        #expect(state.endResponse(1) == .discardBody)
        #expect(state.acceptsInput)
    }
}
