import CollectorTesting
import Foundation
import TestSupport
import Testing

/// Redis fails for a while under a daemon that has a log: senders notice nothing, and afterwards everything is there.
@Suite("Redis fails behind the log", .timeLimit(.minutes(5)))
struct RedisBehindLogTests {
    /// What Redis does for a while.
    enum Fault: String, CaseIterable {
        /// Says nothing (SIGSTOP).
        case hung
        case outOfMemory
        /// Became a replica.
        case readOnly
        /// Was restarted, and reads its data.
        case loading
        /// Wants a password.
        case locked

        /// What the daemon says of it.
        var reason: String {
            switch self {
            case .hung: "did not answer"
            case .outOfMemory: "OOM"
            case .readOnly: "READONLY"
            case .loading: "LOADING"
            case .locked: "wants a password"
            }
        }

        func begin(_ redis: RedisServer, _ probe: RESPProbe) throws {
            switch self {
            case .hung: redis.freeze()
            case .outOfMemory: _ = try probe.command("CONFIG", "SET", "maxmemory", "1")
            case .readOnly: _ = try probe.command("REPLICAOF", "127.0.0.1", "1")
            case .loading:
                // It answers between the keys that it reads, so there must be more than the stream.
                let script = "for i = 1, 600 do redis.call('SET', 'key' .. i, string.rep('x', 2000)) end"
                _ = try probe.command("EVAL", script, "0")
                _ = try probe.command("BGREWRITEAOF")
                while try probe.command("INFO", "persistence").text?.contains("aof_rewrite_in_progress:1") != false {}
                redis.kill()
                try redis.start(loads: true)
            case .locked:
                _ = try probe.command("CONFIG", "SET", "requirepass", "secret")
                // Who is there already is not asked.
                _ = try probe.command("CLIENT", "KILL", "TYPE", "normal")
            }
        }

        func end(_ redis: RedisServer, _ probe: RESPProbe) throws {
            switch self {
            case .hung: redis.resume()
            case .outOfMemory: _ = try probe.command("CONFIG", "SET", "maxmemory", "0")
            case .readOnly: _ = try probe.command("REPLICAOF", "NO", "ONE")
            // By itself.
            case .loading: while try redis.probe().command("PING") != .status("PONG") {}
            case .locked: _ = try probe.command("CONFIG", "SET", "requirepass", "")
            }
        }
    }

    /// The destination says that it fails after a second, and tries again soon.
    private static let configuration = #""timeout":1000,"retry":{"maxDelay":200},"#

    private static func run(single: Bool, _ redisArguments: [String] = []) async throws -> RedisRun {
        try await BlockingWork.run {
            try RedisRun(
                redisArguments: redisArguments,
                configuration: configuration,
                settings: single ? #""singleWriter":true,"# : "",
                isBehindProxy: true,
                commandTimeoutMilliseconds: 1000
            )
        }
    }

    @Test(
        "for a while: everything arrives, and no more than a window of it twice",
        arguments: Fault.allCases,
        [false, true]
    )
    func fails(_ fault: Fault, _ single: Bool) async throws {
        // Reading what is there takes three seconds.
        let slow = [
            "--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no",
        ]
        let run = try await Self.run(single: single, fault == .loading ? slow : [])
        let daemon = try await DaemonProcess.start(run.arguments)
        async let produced: Void = run.produce(producers: 0..<4, requests: 40, port: daemon.port)
        await run.acknowledged(count: 500)
        let probe = try await BlockingWork.run { try Transfer(run.redis.probe()) }
        try await BlockingWork.run { try fault.begin(run.redis, probe.value) }
        await daemon.errorLines(containing: "the destination keeps failing", count: 1)
        try await BlockingWork.run { try fault.end(run.redis, probe.value) }
        await produced
        let judgement = try await run.judge(endOf: daemon)

        let said = daemon.errorText.split(separator: "\n").filter { $0.contains("keeps failing") }
        #expect(said.first?.contains(fault.reason) == true, "\(said)")
        #expect(!daemon.errorText.contains("secret"))
        let cutCount = (run.proxy?.connectionCount ?? 1) - 1
        print(
            "\(fault) singleWriter=\(single) acknowledged=\(run.oracle.acknowledgedCount) cuts=\(cutCount)",
            "duplicates=\(judgement.duplicateCount) inversions=\(judgement.inversionCount)"
        )
        #expect(run.oracle.acknowledgedCount == run.oracle.sentCount)
        // What of a pipeline was refused comes after what was taken.
        let limit = single ? 0 : cutCount * RedisRun.window
        run.expectWhole(judgement, duplicates: limit, isOrdered: false, "\(fault)")
    }

    @Test("connections are cut in the middle of replies: everything arrives", arguments: [false, true])
    func cut(_ single: Bool) async throws {
        let run = try await Self.run(single: single)
        let proxy = try #require(run.proxy)
        let daemon = try await DaemonProcess.start(run.arguments)
        async let produced: Void = run.produce(producers: 0..<4, requests: 40, port: daemon.port)
        await run.acknowledged(count: 100)
        // Each connection brings a little more than the one before.
        for byteCount in [3001, 3500, 4007, 4511, 5003] {
            let count = proxy.connectionCount
            proxy.fault = .cut(afterReplyBytes: byteCount)
            while proxy.connectionCount == count, !Task.isCancelled { await Task.yield() }
        }
        proxy.fault = .none
        await produced
        let cutCount = proxy.connectionCount - 1
        let judgement = try await run.judge(endOf: daemon)
        print(
            "cut singleWriter=\(single) acknowledged=\(run.oracle.acknowledgedCount) cuts=\(cutCount)",
            "duplicates=\(judgement.duplicateCount)"
        )
        #expect(cutCount >= 5 && run.oracle.acknowledgedCount == run.oracle.sentCount)
        run.expectWhole(judgement, duplicates: single ? 0 : cutCount * RedisRun.window)
    }
}
