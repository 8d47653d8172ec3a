import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// What was answered 200 reaches Redis, whatever moment the daemon, or Redis, is killed at.
@Suite("collectord is killed again and again", .timeLimit(.minutes(60)))
struct CrashTests {
    /// `CRASH_ROUNDS`, or 60 (`make crash-campaign`: 1 000).
    private static let roundCount =
        ProcessInfo.processInfo.environment["CRASH_ROUNDS"].flatMap { Int($0) } ?? 60
    private static let seed =
        ProcessInfo.processInfo.environment["CRASH_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
    private static let producerCount = 8
    /// Rounds on one data directory: damage would add up.
    private static let roundsPerDirectory = 20
    /// Events that may come twice for each kill: `inFlightMax`.
    private static let window = 256

    @Test("kill -9: nothing acknowledged is missing, nothing foreign or changed, few come twice, none out of order")
    func rounds() async throws {
        print("CRASH_SEED=\(Self.seed) CRASH_ROUNDS=\(Self.roundCount)")
        var left = Self.roundCount
        var directoryNumber: UInt64 = 0
        while left > 0 {
            let count = min(left, Self.roundsPerDirectory)
            try await onOneDirectory(rounds: count, seed: Self.seed &+ directoryNumber)
            left -= count
            directoryNumber += 1
        }
    }

    private func onOneDirectory(rounds: Int, seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        let redis = try await BlockingWork.run {
            try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        }
        let flow = directory.path + "/flow.json"
        let settings = #"{"redis":{"options":{"path":"\#(redis.socketPath)"},"streamKey":"events"}}"#
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http"}},
              "destinations":{"redis":{"package":"redis","config":{"settings":\#(settings)}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        let arguments = ["run", flow, "--port", "0", "--data-dir", directory.path + "/data"]
        let oracle = EventOracle(seed: seed)
        var random = SystemRandomNumberGenerator()
        var killCount = 0
        for round in 0..<rounds {
            let daemon = try await DaemonProcess.start(arguments)
            let milliseconds = Int.random(in: 50...1500, using: &random)
            let killsRedis = round % 5 == 4
            await withTaskGroup(of: Void.self) { group in
                for producer in 0..<Self.producerCount {
                    group.addTask { await Self.produce(oracle, producer, port: daemon.port) }
                }
                if killsRedis {
                    try? await Task.sleep(for: .milliseconds(milliseconds / 2))
                    redis.kill()
                }
                // When it is killed is what the test is about.
                try? await Task.sleep(for: .milliseconds(milliseconds))
                _ = await daemon.kill()
            }
            killCount += killsRedis ? 2 : 1
            if killsRedis { try await BlockingWork.run { try redis.start(loads: true) } }
        }
        let daemon = try await DaemonProcess.start(arguments)
        // The last event comes after all others.
        let last = oracle.next(producer: Self.producerCount, count: 1)
        #expect(try await HTTPExchange.post(last.json, port: daemon.port).status == 200)
        oracle.acknowledge(last)
        let events = try await BlockingWork.run { try Self.events(redis, until: last.ids[0]) }
        let end = await daemon.stop()
        #expect(end.code == 0, "\(end.errors)")

        let judgement = oracle.judge(events)
        print(
            "rounds=\(rounds) kills=\(killCount) acknowledged=\(oracle.acknowledgedCount)",
            "arrived=\(judgement.arrivedCount) duplicates=\(judgement.duplicateCount)"
        )
        #expect(oracle.acknowledgedCount > rounds * 8)
        #expect(judgement.missing.isEmpty, "seed \(seed)")
        #expect(judgement.foreign.isEmpty, "seed \(seed)")
        #expect(judgement.changed.isEmpty, "seed \(seed)")
        #expect(judgement.inversionCount == 0, "seed \(seed)")
        #expect(judgement.duplicateCount <= killCount * Self.window, "seed \(seed)")
    }

    /// Sends events until nobody answers: single ones and lists.
    private static func produce(_ oracle: EventOracle, _ producer: Int, port: Int) async {
        while true {
            let request = oracle.next(producer: producer, count: Bool.random() ? 1 : .random(in: 2...50))
            guard let answer = try? await HTTPExchange.post(request.json, port: port) else { return }
            if answer.status == 200 { oracle.acknowledge(request) }
        }
    }

    /// Reads the stream until an event has come.
    private static func events(_ redis: RedisServer, until last: String) throws -> [JSONValue] {
        let probe = try redis.probe()
        var events: [JSONValue] = []
        var position = "0"
        while events.last?["id"].string != last {
            let reply = try probe.command("XREAD", "COUNT", "1000", "BLOCK", "20000", "STREAMS", "events", position)
            let entries = reply.elements.first?.elements[1].elements ?? []
            guard let end = entries.last?.elements[0].text else { break }
            position = end
            for entry in entries {
                events.append(try JSONValue(jsonText: entry.elements[1].elements[1].text ?? ""))
            }
        }
        return events
    }
}
