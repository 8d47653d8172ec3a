import CollectorTesting
import Foundation
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOHTTP2
import Testing

/// HTTP/2 over TLS on real sockets, spoken by curl and by NIO's client.
@Suite(.timeLimit(.minutes(5))) struct HTTP2ServerTests {
    private let certificates: TestCertificates
    private let identity: TestCertificates.Identity
    private let directory: TemporaryDirectory

    init() throws {
        certificates = try TestCertificates()
        identity = try certificates.issue("localhost")
        directory = try TemporaryDirectory()
    }

    private func withTLS(
        offersHTTP2: Bool = true,
        handler: any HTTPHandler = EchoHandler(),
        configure: (inout HTTPServerConfiguration) -> Void = { _ in },
        log: RecordingLogHandler.Storage = RecordingLogHandler.Storage(),
        _ body: (HTTPServer, SocketAddress) async throws -> Void
    ) async throws {
        var tls = HTTPServerTLS(certificatePath: identity.certificate, keyPath: identity.key)
        tls.offersHTTP2 = offersHTTP2
        let listener = HTTPListener.tcp(host: "127.0.0.1", port: 0, tls: tls)
        try await withServer(handler: handler, listeners: [listener], configure: configure, log: log, body)
    }

    private func client(_ address: SocketAddress) async throws -> HTTP2Client {
        try await HTTP2Client.connect(to: address, authority: certificates.authority.certificate)
    }

    /// What curl wrote: the answer, a space and the version of HTTP.
    private func curl(_ address: SocketAddress, _ arguments: String...) async throws -> String {
        let path = "\(directory.path)/\(UUID().uuidString)"
        let port = try #require(address.port)
        let command =
            ["curl", "--silent", "--cacert", certificates.authority.certificate, "--write-out", " %{http_version}"]
            + arguments + ["https://localhost:\(port)/a"]
        _ = try await BlockingWork.run {
            let file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            defer { close(file) }
            return ChildProcess.wait(for: try ChildProcess.spawn(command, standardOutput: file))
        }
        return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test("the client chooses: HTTP/2, HTTP/1.1, or nothing, which is HTTP/1.1")
    func negotiation() async throws {
        try await withTLS { _, address in
            for (option, version) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
                let answer = try await curl(address, option)
                #expect(answer == "GET /a  \(version)")
            }
        }
        try await withTLS(offersHTTP2: false) { _, address in
            let answer = try await curl(address, "--http2")
            #expect(answer == "GET /a  1.1")
        }
    }

    @Test("curl: bodies, 100-continue, HEAD")
    func bodies() async throws {
        let file = "\(directory.path)/body"
        let text = String(repeating: "0123456789", count: 90_000)
        try Data(text.utf8).write(to: URL(filePath: file))
        try await withTLS { _, address in
            let small = try await curl(address, "--http2", "--data", "x=y", "--header", "Expect: 100-continue")
            #expect(small == "POST /a x=y 2")
            let large = try await curl(address, "--http2", "--data-binary", "@\(file)")
            #expect(large == "POST /a \(text) 2")
            let head = try await curl(address, "--http2", "--head")
            #expect(head.contains("HTTP/2 200") && head.contains("content-length: 8"))
            let tooLarge = try await curl(address, "--http2", "--data-binary", "@\(file)", "--data-binary", "@\(file)")
            #expect(tooLarge.hasSuffix(" 2") && tooLarge.contains("too large"))
        }
    }

    @Test("a hundred streams at a time, answered from other threads")
    func concurrent() async throws {
        let handler = HoldingHandler()
        try await withTLS(handler: handler, configure: { $0.eventLoopCount = 2 }) { _, address in
            let client = try await client(address)
            var exchanges: [HTTP2Exchange] = []
            for number in 0..<100 {
                let (channel, exchange) = try await client.open()
                channel.send(http2Request("POST", "/\(number)"), endsStream: false)
                channel.send("body \(number)", endsStream: true)
                exchanges.append(exchange)
            }
            await handler.arrived.wait(100)
            for index in (0..<100).reversed() { handler.answer(index, handler.paths[index]) }
            for (number, exchange) in exchanges.enumerated() {
                await exchange.waitForEnd()
                #expect(exchange.text == "/\(number)")
            }
            #expect(Set(handler.bodies) == Set((0..<100).map { "body \($0)" }))
            handler.forgetAll()
            await client.close()
        }
    }

    @Test("large bodies both ways, at the same time as small ones")
    func largeBodies() async throws {
        let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 900_000)
        try await withTLS { _, address in
            let client = try await client(address)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        let large = try await client.request("POST", "/large", body: body)
                        #expect(large.current.body.count == "POST /large ".utf8.count + 900_000)
                        let small = try await client.request("GET", "/\(number)")
                        #expect(small.text == "GET /\(number) ")
                    }
                }
                try await group.waitForAll()
            }
            await client.close()
        }
    }

    @Test("a client that does not read one stream is still served on others")
    func slowReader() async throws {
        let handler = HTTPResponseHandler { head in
            let byteCount = head.path == "/large" ? 4 << 20 : 5
            return HTTPResponse(status: .ok, body: ByteBuffer(repeating: UInt8(ascii: "x"), count: byteCount))
        }
        try await withTLS(handler: handler) { _, address in
            let client = try await client(address)
            let (slow, exchange) = try await client.open(reads: false)
            slow.send(http2Request("GET", "/large"), endsStream: true)
            for _ in 0..<20 { #expect(try await client.request("GET", "/small").text == "xxxxx") }
            #expect(!exchange.current.isEnded)
            try await slow.setOption(.autoRead, value: true).get()
            slow.read()
            await exchange.waitForEnd()
            #expect(exchange.current.body.count == 4 << 20)
            await client.close()
        }
    }

    @Test("ten thousand requests that are reset at once end their connection, and nobody else's")
    func rapidReset() async throws {
        let seen = Shared(0)
        let handler = ClosureHandler { head, responder in
            if head.path == "/flood" { seen.value += 1 }
            return EchoHandler().receive(head, responder)
        }
        try await withTLS(handler: handler) { _, address in
            let other = try await client(address)
            #expect(try await other.request("GET", "/before").status == 200)
            let attacker = try await client(address)
            for _ in 0..<10_000 {
                guard let (channel, _) = try? await attacker.open() else { break }
                channel.send(http2Request("GET", "/flood"), endsStream: false)
                channel.reset(.cancel)
            }
            await attacker.waitForClose()
            // 300 in ten seconds; a machine that takes longer lets a few more through.
            #expect(seen.value < 3000)
            #expect(try await other.request("GET", "/after").status == 200)
            await other.close()
        }
    }

    @Test("a client that cancels what it has under way, a hundred streams, twice, is not hurt")
    func cancelling() async throws {
        let handler = HoldingHandler()
        let closed = Signal()
        let observing = ClosureHandler { head, responder in
            responder.onConnectionEvent { if $0 == .closed { closed.send() } }
            return handler.receive(head, responder)
        }
        try await withTLS(handler: observing) { _, address in
            let client = try await client(address)
            for _ in 0..<2 {
                var channels: [any Channel] = []
                for _ in 0..<100 {
                    let (channel, _) = try await client.open()
                    channel.send(http2Request("GET", "/"), endsStream: true)
                    channels.append(channel)
                }
                await handler.arrived.wait(100)
                for channel in channels { channel.reset(.cancel) }
                await closed.wait(100)
                handler.forgetAll()
            }
            let (channel, exchange) = try await client.open()
            channel.send(http2Request("GET", "/"), endsStream: true)
            await handler.arrived.wait()
            handler.answer(0, "still here")
            await exchange.waitForEnd()
            #expect(exchange.text == "still here")
            handler.forgetAll()
            await client.close()
        }
    }

    @Test("a client that floods with pings is closed, others are not")
    func pingFlood() async throws {
        try await withTLS { _, address in
            let other = try await client(address)
            let attacker = try await client(address)
            for number in 0..<10_000 {
                let ping = HTTP2Frame.FramePayload.ping(HTTP2PingData(withInteger: UInt64(number)), ack: false)
                attacker.channel.write(HTTP2Frame(streamID: .rootStream, payload: ping), promise: nil)
            }
            attacker.channel.flush()
            await attacker.waitForClose()
            #expect(try await other.request("GET", "/after").status == 200)
            await other.close()
        }
    }

    @Test("shutdown: an answer in the middle is written to its end, then the connection closes")
    func drain() async throws {
        let stream = Shared<HTTPResponseStream?>(nil)
        let begun = Signal()
        let draining = Signal()
        let handler = ClosureHandler { _, responder in
            let answer = responder.begin(HTTPResponse(status: .ok, body: ByteBuffer(string: "first ")))
            answer.onConnectionEvent { if $0 == .draining { draining.send() } }
            stream.value = answer
            begun.send()
            return .ignore
        }
        try await withTLS(handler: handler) { server, address in
            let client = try await client(address)
            let idle = try await self.client(address)
            let (channel, exchange) = try await client.open()
            channel.send(http2Request("GET", "/"), endsStream: true)
            await begun.wait()
            async let stopped: Void = server.shutdown(timeoutMilliseconds: 600_000)
            await draining.wait()
            await idle.waitForClose()
            stream.value?.write(ByteBuffer(string: "last"))
            stream.value?.end()
            await exchange.waitForEnd()
            #expect(exchange.text == "first last")
            #expect(client.goAways.value.allSatisfy { $0 == .noError } && !client.goAways.value.isEmpty)
            await client.waitForClose()
            await stopped
        }
        stream.value = nil
    }

    @Test("a client that allows much, and then reads nothing from its socket, is closed")
    func jammed() async throws {
        let log = RecordingLogHandler.Storage()
        let handler = HoldingHandler()
        let answeringFirst = ClosureHandler { head, responder in
            guard head.path == "/first" else { return handler.receive(head, responder) }
            responder.respond(HTTPResponse(status: .ok, body: ByteBuffer(repeating: 1, count: 60_000)))
            return .ignore
        }
        let configure: (inout HTTPServerConfiguration) -> Void = { $0.limits.writeTimeoutMilliseconds = 100 }
        try await withTLS(handler: answeringFirst, configure: configure, log: log) { _, address in
            let client = try await HTTP2Client.connect(
                to: address,
                authority: certificates.authority.certificate,
                windowByteCount: 64 << 20
            )
            // The connection's window grows only with what arrives.
            #expect(try await client.request("GET", "/first").current.body.count == 60_000)
            // A stream that reads would make its connection read.
            let (channel, _) = try await client.open(reads: false)
            channel.send(http2Request("GET", "/"), endsStream: true)
            await handler.arrived.wait()
            try await client.channel.setOption(.autoRead, value: false).get()
            handler.responder(0).respond(
                HTTPResponse(status: .ok, body: ByteBuffer(repeating: 1, count: 16 << 20))
            )
            await log.wait(for: "reads nothing; the connection is closed")
            await client.close()
        }
    }

    @Test("a client that allows nothing more of an answer loses its stream")
    func writeTimeout() async throws {
        let handler = HTTPResponseHandler { _ in
            HTTPResponse(status: .ok, body: ByteBuffer(repeating: 1, count: 4 << 20))
        }
        try await withTLS(handler: handler, configure: { $0.limits.writeTimeoutMilliseconds = 100 }) { _, address in
            let client = try await client(address)
            let (channel, exchange) = try await client.open(reads: false)
            channel.send(http2Request("GET", "/"), endsStream: true)
            await exchange.wait { $0.resetReason != nil }
            #expect(!exchange.current.isEnded)
            await client.close()
        }
    }
}
