import Collector
import CollectorTesting
import EventJSON
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@testable import CollectorHTTP
@testable import HTTPServer

@Suite("Events as lines (NDJSON)")
struct LineTests {
    private func post(
        _ body: [UInt8],
        _ fields: [(String, String)] = [],
        type: String = "application/x-ndjson",
        port: Int
    ) async throws -> HTTPAnswer {
        try await HTTPExchange.send(
            HTTPExchange.request("POST", "/collect", headers: [("Content-Type", type)] + fields, body: body),
            port: port
        )
    }

    /// The body in chunks of that many bytes.
    private func postChunks(_ body: [UInt8], of size: Int, port: Int) async throws -> HTTPAnswer {
        var request = Array(
            "POST /collect HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n".utf8
        )
        request += Array("Transfer-Encoding: chunked\r\n\r\n".utf8)
        for start in stride(from: 0, to: body.count, by: size) {
            let part = body[start..<min(start + size, body.count)]
            request += Array(String(part.count, radix: 16).utf8) + [13, 10] + part + [13, 10]
        }
        return try await HTTPExchange.send(request + Array("0\r\n\r\n".utf8), port: port)
    }

    private static func lines(_ count: Int) -> [UInt8] {
        Array((0..<count).map { #"{"name":"page view","data":{"n":\#($0)}}"# + "\n" }.joined().utf8)
    }

    @Test("good lines are taken, bad ones counted and named by their number", arguments: [true, false])
    func mixed(_ isExpress: Bool) async throws {
        let server = try await IngestServer(HTTPSource(id: "http", style: isExpress ? .express : .fetch))
        let body = [
            #"{"name":"page view"}"#, "", "  \t", #"{"name":"page view"}"# + "\r", #"{"name":"page"#,
            #"{"data":{}}"#, #"[{"name":"page view"}]"#, "7", #"{"name":"page view"} x"#, #"{"name":"fail push"}"#,
            #"{"name":"last view"}"#,
        ].joined(separator: "\n")
        let answer = try await post(Array(body.utf8), port: server.port)
        #expect(answer.status == 207)
        let text = try JSONValue(jsonText: answer.text)
        #expect(text["success"] == false)
        #expect(text["processed"] == 3)
        #expect(text["failed"] == 6)
        let errors = text["errors"].array ?? []
        #expect(errors.map { $0["line"] } == [5, 6, 7, 8, 9, 10])
        #expect(errors[0]["error"] == "JSON ends inside a value at byte 13")
        #expect(errors[1]["error"] == "Event name is required")
        #expect(errors[2]["error"] == "Event must be an object, not array")
        #expect(errors[4]["error"] == "text after the JSON value at byte 21")
        #expect(text["resumeAtLine"].isMissing)
        #expect(server.destination.deliveries.map(\.event.name) == ["page view", "page view", "last view"])
        #expect(server.collector.status.sources["http"]?.acceptedCount == 4)
        #expect(server.collector.status.sources["http"]?.rejectedCount == 5)
        await server.stop()
    }

    @Test("an answer says what went well, and lists the first failures only")
    func answers() async throws {
        let server = try await IngestServer()
        let good = try await post(Self.lines(3), type: "application/jsonl; charset=utf-8", port: server.port)
        #expect(good.status == 200)
        #expect(good.text == #"{"success":true,"processed":3}"#)
        #expect(try await post([], port: server.port).text == #"{"success":true,"processed":0}"#)
        let bad = try await post(Array(repeating: Array("x\n".utf8), count: 50).flatMap { $0 }, port: server.port)
        #expect(bad.status == 400)
        let text = try JSONValue(jsonText: bad.text)
        #expect(text["failed"] == 50)
        #expect((text["errors"].array ?? []).map { $0["line"] } == (1...20).map { JSONValue(integerLiteral: $0) })
        let failed = try await post(Array(#"{"name":"fail push"}"#.utf8), port: server.port)
        #expect(failed.status == 500)
        await server.stop()
    }

    @Test("a body larger than any limit of a request is taken, whatever pieces it comes in", arguments: [1021, 65_537])
    func long(_ size: Int) async throws {
        var source = HTTPSource(id: "http")
        source.maximumBodyByteCount = 100_000
        let server = try await IngestServer(source)
        let count = 8000
        let body = Self.lines(count)
        #expect(body.count > source.maximumBodyByteCount)
        let answer = try await postChunks(body, of: size, port: server.port)
        #expect(answer.text == #"{"success":true,"processed":\#(count)}"#)
        #expect(
            server.destination.deliveries.map { $0.event[.data]["n"] }
                == (0..<count).map { JSONValue(integerLiteral: $0) }
        )
        await server.stop()
    }

    @Test("a client waits while much is under way, and goes on when it is settled")
    func backpressure() async throws {
        let (gate, open) = AsyncStream<Void>.makeStream()
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: BlockedDestination(gate: gate))],
            logger: RecordedLogs().logger()
        )
        await collector.start()
        let sink = RecordedSink()
        let loop = sink.eventLoop
        let part = ByteBuffer(bytes: Self.lines(1500))
        let answered = loop.makePromise(of: LineTotals.self)
        let receiver = try await loop.submit {
            let endpoint = LineReceiver.Endpoint(
                collector: collector,
                source: HTTPSource(id: "http"),
                options: PushOptions(),
                responder: HTTPResponder(sink: sink, exchange: 1),
                take: { _ in nil },
                answer: { totals in
                    answered.succeed(totals)
                    return HTTPResponse(status: .ok)
                }
            )
            let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/collect")
            let receiver = LineReceiver(endpoint, decoder: try HTTPBodyDecoder(head))
            receiver.receive(part)
            #expect(!sink.isPaused)
            receiver.receive(part)
            #expect(sink.isPaused)
            return receiver
        }.get()
        let resumed = loop.makePromise(of: Void.self)
        loop.execute { sink.onResume = { resumed.succeed() } }
        open.finish()
        try await resumed.futureResult.get()
        loop.execute { receiver.finish() }
        #expect(try await answered.futureResult.get().processedCount == 3000)
        await collector.shutdown()
    }

    @Test("compressed lines", arguments: ["gzip", "deflate"])
    func compressed(_ encoding: String) async throws {
        let server = try await IngestServer()
        let body = try CompressedText.make(Self.lines(5000), encoding)
        let answer = try await post(body, [("Content-Encoding", encoding)], port: server.port)
        #expect(answer.text == #"{"success":true,"processed":5000}"#)
        let truncated = try await post(Array(body.dropLast(9)), [("Content-Encoding", encoding)], port: server.port)
        #expect(truncated.status == 207)
        #expect(truncated.text.contains("the compressed body is damaged"))
        let unknown = try await post(body, [("Content-Encoding", "lzma")], port: server.port)
        #expect(unknown.status == 415)
        await server.stop()
    }

    @Test("a compressed body that inflates without end is cut off")
    func bomb() async throws {
        let server = try await IngestServer()
        let body = try CompressedText.make([UInt8](repeating: 0x20, count: 64 << 20), "gzip")
        let answer = try await post(body, [("Content-Encoding", "gzip")], port: server.port)
        #expect(answer.status == 400)
        #expect(answer.text.contains("inflates too far"))
        await server.stop()
    }

    @Test("a line that is too long is passed over, in bounded memory")
    func longLine() async throws {
        var source = HTTPSource(id: "http")
        source.maximumBodyByteCount = 1000
        let server = try await IngestServer(source)
        let long = #"{"name":"page view","data":{"x":""# + String(repeating: "x", count: 300_000) + "\"}}\n"
        let body = Self.lines(1) + Array(long.utf8) + Self.lines(2) + Array(long.utf8)
        for size in [700, 64_000] {
            let answer = try await postChunks(body, of: size, port: server.port)
            #expect(answer.status == 207)
            let text = try JSONValue(jsonText: answer.text)
            #expect(text["processed"] == 3)
            #expect((text["errors"].array ?? []).map { $0["line"] } == [2, 5])
            #expect(answer.text.contains("longer than 1000 bytes"))
        }
        await server.stop()
    }

    @Test("an event that is too large is refused, and says so; its neighbours are taken")
    func largeEvent() async throws {
        let server = try await IngestServer()
        let large = #"{"name":"page view","data":{"x":""# + String(repeating: "x", count: 262_144) + "\"}}"
        let lines = try await post(Self.lines(1) + Array(large.utf8), port: server.port)
        #expect(lines.status == 207)
        #expect(lines.text.contains(#"{"line":2,"error":"Event is larger than 262144 bytes"}"#))
        let list = try await post(
            Array("[\(large),{\"name\":\"page view\"}]".utf8),
            type: "application/json",
            port: server.port
        )
        #expect(list.status == 207)
        #expect(list.text.contains(#"{"index":0,"error":"Event is larger than 262144 bytes"}"#))
        let one = try await post(Array(large.utf8), type: "application/json", port: server.port)
        #expect(one.status == 400)
        #expect(server.destination.deliveries.count == 2)
        await server.stop()
    }

    @Test("a full destination ends the stream with 503 and the line to go on from")
    func full() async throws {
        let (gate, open) = AsyncStream<Void>.makeStream()
        let blocked = BlockedDestination(gate: gate)
        var configuration = DestinationConfiguration()
        configuration.maximumWaitingCount = 10
        let server = try await IngestServer(destination: configuration, instead: blocked)
        async let answer = post(Self.lines(50), port: server.port)
        await blocked.begun()
        open.finish()
        let refused = try await answer
        #expect(refused.status == 503)
        #expect(refused.headers["retry-after"] == "1")
        let text = try JSONValue(jsonText: refused.text)
        #expect(text["processed"] == 10)
        #expect(text["resumeAtLine"] == 11)
        await server.stop()
    }

    @Test("a stream is slowed to its key's rate")
    func rate() async throws {
        var source = HTTPSource(id: "http")
        let time = ManualTime()
        source.writeKeys = WriteKeys(
            [WriteKey(id: "a", key: "a-key-that-is-long-enough", eventsPerSecond: 10)],
            burstCount: 10
        )
        let server = try await IngestServer(source, time: time.collectorTime)
        // The first run leaves a debt of a second; the second waits for it by the event loop's clock, and then finds
        // that the collector's clock has gone on.
        let fields = [("Authorization", "Bearer a-key-that-is-long-enough")]
        #expect(try await post(Self.lines(10), fields, port: server.port).status == 200)
        async let second = post(Self.lines(5), fields, port: server.port)
        time.advance(milliseconds: 100)
        time.advance(milliseconds: 10_000)
        #expect(try await second.text == #"{"success":true,"processed":5}"#)
        await server.stop()
    }
}

/// Delivers once a gate opens, and tells when it has something to deliver.
private final class BlockedDestination: Destination {
    let type = "blocked"
    private let gate: AsyncStream<Void>
    private let beginning = AsyncStream<Void>.makeStream()

    init(gate: AsyncStream<Void>) {
        self.gate = gate
    }

    func begun() async {
        for await _ in beginning.stream { return }
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        beginning.continuation.yield()
        for await _ in gate {}
        return batch.deliveries.map { _ in .delivered() }
    }
}

/// A connection of which only a streamed body's pauses are seen.
///
/// `@unchecked Sendable`: the variables are touched on `eventLoop` only.
private final class RecordedSink: HTTPResponseSink, @unchecked Sendable {
    let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let remoteAddress: SocketAddress? = nil
    let isOpen = true
    let isWritable = true
    private(set) var isPaused = false
    var onResume: () -> Void = {}

    func pauseBody(_ exchange: UInt64, _ isPaused: Bool) {
        self.isPaused = isPaused
        if !isPaused { onResume() }
    }

    func respond(_ response: HTTPResponse, to exchange: UInt64) {}
    func begin(_ head: HTTPResponse, to exchange: UInt64) {}
    func write(_ part: ByteBuffer, to exchange: UInt64, promise: EventLoopPromise<Void>?) {}
    func end(_ exchange: UInt64) {}
    func abandon(_ exchange: UInt64) {}
    func observe(_ exchange: UInt64, _ callback: @escaping @Sendable (HTTPConnectionEvent) -> Void) {}
    func observeWritability(_ exchange: UInt64, _ callback: @escaping @Sendable () -> Void) {}
    func logSecondAnswer() {}
}
