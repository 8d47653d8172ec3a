import Collector
import CollectorTesting
import Testing

@testable import RedisStreamsDestination

/// Everything that goes wrong between the collector and Redis; the events are counted afterwards.
@Suite("Redis behind a bad network, and a Redis that fails", .timeLimit(.minutes(5)))
struct RedisNetworkFaultTests {
    let server: RedisServer
    let proxy: FaultProxy

    init() throws {
        server = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        proxy = try FaultProxy(to: server.socketPath)
    }

    private func settings(single: Bool, _ change: (inout RedisStreamsSettings) -> Void = { _ in })
        -> RedisStreamsSettings
    {
        var settings = RedisStreamsSettings(streamKey: "walkeros:events")
        settings.configuration.endpoint = .tcp(host: "127.0.0.1", port: proxy.port)
        settings.configuration.commandTimeout = .seconds(1)
        settings.configuration.connectTimeout = .milliseconds(500)
        settings.isSingleWriter = single
        change(&settings)
        return settings
    }

    /// Nothing lost; of each fault at most a window twice, and nothing twice in single-writer mode.
    private func check(_ count: Int, faultCount: Int, single: Bool) throws {
        let audit = try StreamAudit([server])
        #expect(audit.lost(of: count) == 0)
        let limit = single ? 0 : 256 * faultCount
        #expect(audit.duplicates <= limit, "\(audit.duplicates) duplicates after \(faultCount) faults")
        print("faults \(faultCount), single writer \(single): lost 0 of \(count), duplicates \(audit.duplicates)")
    }

    @Test("connections cut after any number of reply bytes", arguments: [false, true])
    func cut(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 4_000
        // Each connection brings some replies; the handshake's about 1.5 kB among them.
        proxy.fault = .cut(afterReplyBytes: 3_001)
        var rounds = 0
        try await EventPump(destination: destination).run(count) { delivered in
            rounds += 1
            proxy.fault = delivered > 3_000 ? .none : .cut(afterReplyBytes: 2_500 + rounds * 7)
        }
        #expect(proxy.connectionCount > 5)
        try check(count, faultCount: proxy.connectionCount - 1, single: single)
        await destination.end()
    }

    @Test("all connections reset again and again", arguments: [false, true])
    func reset(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 10_000
        var faultCount = 0
        try await EventPump(destination: destination).run(count) { delivered in
            if delivered / 1_000 > faultCount {
                faultCount += 1
                proxy.cutAll()
            }
        }
        try check(count, faultCount: faultCount, single: single)
        await destination.end()
    }

    @Test("black-holed connections are given up at the deadline", arguments: [false, true])
    func blackHole(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 4_000
        var healing: Task<Void, any Error>?
        try await EventPump(destination: destination).run(count) { delivered in
            guard delivered >= 2_000, healing == nil else { return }
            proxy.fault = .blackHole
            healing = Task {
                try await Task.sleep(for: .seconds(2.5))
                proxy.fault = .none
            }
        }
        #expect(proxy.connectionCount > 1)
        try check(count, faultCount: proxy.connectionCount, single: single)
        await destination.end()
    }

    @Test("bytes in pieces of one, and few per second: the same entries, in order")
    func slicedAndSlow() async throws {
        let destination = try await start(settings(single: false) { $0.configuration.commandTimeout = .seconds(60) })
        proxy.fault = .slices(byteCount: 1)
        try await EventPump(destination: destination).run(500)
        proxy.fault = .slow(bytesPerSecond: 400_000)
        try await EventPump(destination: destination).run(1_000)
        #expect(proxy.connectionCount == 1)
        let audit = try StreamAudit([server])
        #expect(audit.order == (Array(0..<500) + Array(0..<1_000)).map { "event-\($0)" })
        await destination.end()
    }

    // Not for a single writer: a damaged error text may be any error.
    @Test("damaged replies lose nothing")
    func corrupted() async throws {
        let destination = try await start(settings(single: false))
        let count = 2_000
        try await EventPump(destination: destination).run(count) { delivered in
            proxy.fault = delivered > 1_800 ? .none : .corrupt(everyReplyBytes: 997)
        }
        #expect(proxy.connectionCount > 1)
        #expect(try StreamAudit([server]).lost(of: count) == 0)
        await destination.end()
    }

    @Test("refused connections, then a server again")
    func refused() async throws {
        let destination = try await start(settings(single: false))
        proxy.fault = .refuse
        let healing = Task {
            try await Task.sleep(for: .seconds(1.5))
            proxy.fault = .none
        }
        try await EventPump(destination: destination).run(500)
        try await healing.value
        #expect(try StreamAudit([server]).lost(of: 500) == 0)
        await destination.end()
    }

    @Test("kill -9 and restart, three times", arguments: [false, true])
    func killed(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 8_000
        var faultCount = 0
        try await EventPump(destination: destination).run(count) { delivered in
            guard delivered / 2_000 > faultCount, faultCount < 3 else { return }
            faultCount += 1
            server.kill()
            try server.start()
        }
        #expect(faultCount == 3)
        try check(count, faultCount: faultCount, single: single)
        await destination.end()
    }

    @Test("SIGSTOP for longer than the deadline", arguments: [false, true])
    func frozen(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 4_000
        var healing: Task<Void, any Error>?
        try await EventPump(destination: destination).run(count) { delivered in
            guard delivered >= 2_000, healing == nil else { return }
            server.freeze()
            healing = Task {
                try await Task.sleep(for: .seconds(2.5))
                server.resume()
            }
        }
        try check(count, faultCount: proxy.connectionCount, single: single)
        await destination.end()
    }

    @Test(
        "CLIENT PAUSE: shorter than the deadline just takes time, longer costs connections",
        arguments: [false, true]
    )
    func paused(_ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let count = 3_000
        var pauses = ["300", "2500"]
        try await EventPump(destination: destination).run(count) { delivered in
            if let pause = pauses.first, delivered >= 2_000 - 1_000 * (pauses.count - 1) {
                pauses.removeFirst()
                _ = try server.probe().command("CLIENT", "PAUSE", pause, "WRITE")
            }
        }
        #expect(pauses.isEmpty)
        try check(count, faultCount: proxy.connectionCount, single: single)
        await destination.end()
    }

    @Test(
        "maxmemory 1 and REPLICAOF in the middle: retries until it is over",
        arguments: [
            (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "OOM"),
            (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], "READONLY"),
        ],
        [false, true]
    )
    func refusing(_ fault: (order: [String], remedy: [String], code: String), _ single: Bool) async throws {
        let destination = try await start(settings(single: single))
        let (order, remedy, code) = fault
        let count = 3_000
        let socketPath = server.socketPath
        var healing: Task<Void, any Error>?
        let result = try await EventPump(destination: destination).run(count) { delivered in
            guard delivered >= 1_000, healing == nil else { return }
            _ = try server.probe().command(order.map { Array($0.utf8) })
            healing = Task {
                try await Task.sleep(for: .seconds(1))
                _ = try RESPProbe(unixSocket: socketPath).command(remedy.map { Array($0.utf8) })
            }
        }
        #expect(result.reasons.contains { $0.hasPrefix(code) })
        try check(count, faultCount: proxy.connectionCount, single: single)
        await destination.end()
    }

    @Test("another server takes the place: what is not answered goes there")
    func replaced() async throws {
        let other = try RedisServer()
        let destination = try await start(settings(single: false))
        try await EventPump(destination: destination).run(500)
        proxy.lead(to: other.socketPath)
        server.kill()
        try await EventPump(destination: destination).run(500)
        #expect(try StreamAudit([other]).lost(of: 500) == 0)
        await destination.end()
    }
}
