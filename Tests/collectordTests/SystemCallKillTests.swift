import CollectorTesting
import Foundation
import TestSupport
import Testing

/// The daemon is killed as it enters a chosen system call: between any two things it does to the disk, to Redis, to
/// senders.
@Suite("collectord is killed at a system call", .timeLimit(.minutes(180)), .serialized)
struct SystemCallKillTests {
    /// The N-th call of that name in one thread, which does not come to be.
    private static func moment(_ call: String, _ number: Int) -> SystemCallFault {
        SystemCallFault(.kill, of: call, at: number)
    }

    /// `KILL_LAST`: each call of a daemon under load at every number up to it (`make crash-campaign`: 300).
    private static let last = ProcessInfo.processInfo.environment["KILL_LAST"].flatMap { Int($0) }
    /// Rounds on one data directory: damage would add up.
    private static let roundsPerDirectory = 24

    @Test(
        "as it makes a store: the next one makes it whole",
        .enabled("needs strace") { await SystemCallFault.isPossible }
    )
    func making() async throws {
        let run = try await BlockingWork.run { try RedisRun() }
        let moments = [
            Self.moment("rename", 1), Self.moment("fsync", 3), Self.moment("pwrite64", 2), Self.moment("fallocate", 1),
            Self.moment("rename", 1),
            Self.moment("pwrite64", 4), Self.moment("fdatasync", 1), Self.moment("fdatasync", 2),
            Self.moment("unlink", 1),
        ]
        try await kill(run, at: moments, mustEnd: true)
    }

    @Test("under load: nothing is lost", .enabled("needs strace") { await SystemCallFault.isPossible })
    func underLoad() async throws {
        var moments = [
            Self.moment("fdatasync", 4), Self.moment("pwrite64", 9), Self.moment("sendto", 3), Self.moment("write", 12),
            Self.moment("fdatasync", 15), Self.moment("pwrite64", 24), Self.moment("sendto", 4),
            Self.moment("write", 31),
            Self.moment("fdatasync", 30), Self.moment("pwrite64", 32), Self.moment("sendto", 6),
            Self.moment("write", 48),
        ]
        if let last = Self.last {
            let calls = ["fdatasync", "pwrite64", "sendto", "write"]
            moments = (1...max(last, 1)).flatMap { number in calls.map { Self.moment($0, number) } }
        }
        for start in stride(from: 0, to: moments.count, by: Self.roundsPerDirectory) {
            let run = try await BlockingWork.run { try RedisRun(isBehindProxy: true) }
            // So slow that at any moment events are on their way.
            run.proxy?.fault = .slow(bytesPerSecond: 400_000)
            let chosen = Array(moments[start..<min(start + Self.roundsPerDirectory, moments.count)])
            try await kill(run, at: chosen, mustEnd: Self.last == nil)
        }
    }

    @Test(
        "as the log goes on in another file and the old one is given free: nothing is lost",
        .enabled("needs strace") { await SystemCallFault.isPossible }
    )
    func otherFile() async throws {
        let run = try await BlockingWork.run {
            try RedisRun(configuration: #""mapping":{"filler":{"event":{"ignore":true}}},"#)
        }
        // More than a file of the log holds.
        let fill: @Sendable (Int) async -> Void = { port in
            let filling = String(repeating: "x", count: 200_000)
            let events = (0..<4).map { _ in #"{"name":"filler event","data":{"filling":"\#(filling)"}}"# }
            for _ in 0..<90 {
                let answer = try? await HTTPExchange.post("[\(events.joined(separator: ","))]", port: port)
                guard answer?.status == 200 else { return }
            }
        }
        let moments = [
            Self.moment("fallocate", 1), Self.moment("rename", 1), Self.moment("rename", 2), Self.moment("rename", 1),
        ]
        // Makes the store, whose first file would be what the first kill prevents.
        #expect(await (try await DaemonProcess.start(run.arguments)).stop().code == 0)
        try await kill(run, at: moments, mustEnd: true, alongside: fill)
    }

    /// Kills one daemon after the other on one directory, each at its moment, and sees what came after all.
    ///
    /// - Parameters:
    ///   - mustEnd: Whether each must come to its moment: at the latest as it ends.
    ///   - alongside: What else happens to each.
    private func kill(
        _ run: RedisRun,
        at moments: [SystemCallFault],
        mustEnd: Bool,
        alongside: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        var killCount = 0
        for (round, moment) in moments.enumerated() {
            let daemon: DaemonProcess
            do {
                daemon = try await DaemonProcess.start(run.arguments, wrapper: moment.command)
            } catch let failure as DaemonProcess.Failure {
                // Killed before it listened.
                #expect(failure.code == -1, "\(moment): \(failure)")
                Self.expectNoDamage(failure.description, moments[..<round])
                killCount += 1
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await run.produce(producers: 0..<4, requests: 40, port: daemon.port) }
                group.addTask { await alongside(daemon.port) }
            }
            let end = await daemon.stop()
            if mustEnd { #expect(end.code == -1, "\(moment) did not come: \(end.errors)") }
            Self.expectNoDamage(end.errors, moments[..<round])
            killCount += end.code == -1 ? 1 : 0
        }
        run.proxy?.fault = .none
        let daemon = try await DaemonProcess.start(run.arguments)
        let judgement = try await run.judge(endOf: daemon)
        Self.expectNoDamage(daemon.errorText, moments[...])
        print(
            "kills=\(killCount) acknowledged=\(run.oracle.acknowledgedCount) arrived=\(judgement.arrivedCount)",
            "duplicates=\(judgement.duplicateCount)"
        )
        run.expectWhole(judgement, duplicates: killCount * RedisRun.window, "\(moments)")
    }

    /// A kill damages nothing, and what starts after it does not say so; nor does it end by a trap instead of the kill.
    private static func expectNoDamage(_ errors: String, _ before: ArraySlice<SystemCallFault>) {
        for text in ["Damage found", "made anew", "passed over", "Fatal error"] {
            #expect(!errors.contains(text), "after \(before): \(errors)")
        }
    }
}
