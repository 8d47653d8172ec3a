import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// What happens when the process has no file descriptor left.
@Suite(.timeLimit(.minutes(5))) struct AcceptGateTests {
    @Test("accepting rests for a while, and then goes on; it is told once")
    func pause() throws {
        let log = RecordingLogHandler.Storage()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            HTTPAcceptGate(
                admission: HTTPAdmission(maximumConnectionCount: 10, maximumConnectionCountPerAddress: 10),
                metrics: HTTPServerMetrics(),
                logger: RecordingLogHandler.logger(log)
            )
        )
        let isReading = { channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool }
        for _ in 0..<3 {
            for code in [EMFILE, ENFILE] {
                channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
                #expect(isReading() == false)
            }
            channel.embeddedEventLoop.advanceTime(by: HTTPAcceptGate.pause)
            #expect(isReading() == true)
        }
        #expect(log.all.count == 1)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    @Test("a client that found no descriptor free is served as soon as there is one, others meanwhile")
    func descriptors() async throws {
        await #expect(processExitsWith: .success) {
            let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
            let log = RecordingLogHandler.Storage()
            try await withServer(handler: EchoHandler(), log: log) { _, address in
                let early = try await TestClient.connect(to: address)
                try await early.send(get)
                _ = try await early.responses(1)
                var limit = rlimit(rlim_cur: 200, rlim_max: 200)
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
                var used: [Int32] = []
                while case let descriptor = dup(0), descriptor >= 0 { used.append(descriptor) }
                // One for the client, none for the server.
                if let last = used.popLast() { close(last) }
                let late = try await TestClient.connect(to: address)
                await log.wait(for: "no connection can be accepted")
                try await early.send(get)
                #expect(try await early.responses(2).count == 2)
                try await late.send(get)
                for descriptor in used { close(descriptor) }
                #expect(try await late.responses(1).map(\.status) == [200])
                for client in [early, late] { await client.close() }
            }
        }
    }
}
