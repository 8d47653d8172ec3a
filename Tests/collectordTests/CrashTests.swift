import CollectorTesting
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
        let run = try await BlockingWork.run { try RedisRun(seed: seed) }
        var random = SystemRandomNumberGenerator()
        var killCount = 0
        for round in 0..<rounds {
            let daemon = try await DaemonProcess.start(run.arguments)
            let milliseconds = Int.random(in: 50...1500, using: &random)
            let killsRedis = round % 5 == 4
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await run.produce(producers: 0..<Self.producerCount, port: daemon.port) }
                if killsRedis {
                    try? await Task.sleep(for: .milliseconds(milliseconds / 2))
                    run.redis.kill()
                }
                // When it is killed is what the test is about.
                try? await Task.sleep(for: .milliseconds(milliseconds))
                _ = await daemon.kill()
            }
            killCount += killsRedis ? 2 : 1
            if killsRedis { try await BlockingWork.run { try run.redis.start(loads: true) } }
        }
        let judgement = try await run.judge(endOf: try await DaemonProcess.start(run.arguments))
        print(
            "rounds=\(rounds) kills=\(killCount) acknowledged=\(run.oracle.acknowledgedCount)",
            "arrived=\(judgement.arrivedCount) duplicates=\(judgement.duplicateCount)"
        )
        #expect(run.oracle.acknowledgedCount > rounds * 8)
        run.expectWhole(judgement, duplicates: killCount * RedisRun.window)
    }
}
