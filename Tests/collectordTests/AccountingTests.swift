import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// accepted = delivered + left out by a rule + dead letters + held + waiting: what daemons report, one after the other on
/// one directory, is what the log and Redis hold.
@Suite("Every accepted event is accounted for", .timeLimit(.minutes(2)))
struct AccountingTests {
    /// Events of each kind.
    private struct Counts: Equatable {
        var good = 0
        /// Left out by a rule.
        var noise = 0
        /// Refused by Redis.
        var bad = 0
        /// Without the consent that the destination wants.
        var held = 0
        var all: Int { good + noise + bad + held }

        static func + (one: Counts, other: Counts) -> Counts {
            Counts(
                good: one.good + other.good,
                noise: one.noise + other.noise,
                bad: one.bad + other.bad,
                held: one.held + other.held
            )
        }

        /// A list of events.
        var json: String {
            let consent = #""consent":{"marketing":true}"#
            let kinds = [
                (good, #"{"name":"good event",\#(consent)}"#), (noise, #"{"name":"noise event",\#(consent)}"#),
                (bad, #"{"name":"bad event",\#(consent)}"#), (held, #"{"name":"held event"}"#),
            ]
            // One of each kind after the other.
            let events = (0..<max(good, noise, bad, held)).flatMap { number in
                kinds.filter { $0.0 > number }.map(\.1)
            }
            return "[\(events.joined(separator: ","))]"
        }
    }

    /// What a daemon says of itself.
    private struct Status {
        let accepted, delivered, ignored, failed, held, letters, waiting, unread: Int
        /// Whose fate is known, or that wait in memory: all that the destination took in this life.
        var accounted: Int { delivered + failed + waiting }
        /// Those that this life neither delivered nor left out nor gave up.
        var isSettled: Bool { waiting == 0 && unread == 0 }
    }

    private let run: RedisRun
    private var admin: String { "unix:\(run.directory.path)/admin.sock" }

    init() async throws {
        run = try await BlockingWork.run {
            try RedisRun(
                configuration: #"""
                    "consent":{"marketing":true},"timeout":500,"retry":{"maxDelay":200},"mapping":{
                      "noise":{"event":{"ignore":true}},"bad":{"event":{"settings":{"streamKey":"wrong"}}}},
                    """#
            )
        }
    }

    private func start() async throws -> DaemonProcess {
        try await DaemonProcess.start(run.arguments + ["--admin", admin])
    }

    private func status() async throws -> Status {
        let text = try await DaemonProcess.run(["status", "--admin", admin]).output
        let json = try JSONValue(jsonText: text)
        let destination = json["destinations"]["redis"]
        func count(_ value: JSONValue) throws -> Int { try #require(value.number?.integer) }
        return Status(
            accepted: try count(json["accepted"]),
            delivered: try count(destination["delivered"]),
            ignored: try count(destination["ignored"]),
            failed: try count(destination["failed"]),
            held: try count(destination["held"]),
            letters: try count(destination["deadLetters"]),
            waiting: try count(destination["waiting"]),
            unread: try count(destination["unreadBytes"])
        )
    }

    /// Asks until the numbers are those.
    private func status(once isThere: (Status) -> Bool) async throws -> Status {
        while true {
            let status = try await status()
            if isThere(status) || Task.isCancelled { return status }
        }
    }

    /// The messages of a stream as they are listed, and counted one by one, and of these those behind the destination's
    /// cursor.
    private func recount(_ stream: String) async throws -> (listed: Int, found: Int, behind: Int) {
        let lines = try await DaemonProcess.run(["log", "list", "--data-dir", run.data]).output.split(separator: "\n")
        let place = try #require(lines.firstIndex { $0.hasPrefix(stream + " ") })
        let listed = lines[place].split(separator: " ").dropLast().last.flatMap { Int($0) }
        let cursor = lines[(place + 1)...].prefix { $0.hasPrefix(" ") }
            .first { $0.contains(" destination:redis ") }?.split(separator: " ").last
        let dump = ["log", "dump", "--stream", stream, "--data-dir", run.data]
        let offsets = try await DaemonProcess.run(dump).output.split(separator: "\n").map {
            try JSONValue(jsonText: String($0))["offset"].string ?? ""
        }
        return (try #require(listed), offsets.count, offsets.count { $0 > cursor ?? "" })
    }

    @Test("over four lives of a daemon, one of them killed while Redis was away")
    func lives() async throws {
        _ = try run.redis.probe().command("SET", "wrong", "no stream")
        // Redis is there.
        let first = Counts(good: 40, noise: 7, bad: 5, held: 9)
        var daemon = try await start()
        #expect(try await HTTPExchange.post(first.json, port: daemon.port).status == 200)
        var status = try await status { $0.isSettled && $0.letters == first.bad }
        #expect(status.accepted == first.all && status.accounted == first.all - first.held)
        #expect(status.delivered == first.good + first.noise && status.ignored == first.noise)
        #expect(status.failed == first.bad && status.letters == first.bad && status.held == first.held)
        #expect(await daemon.stop().code == 0)

        // Redis is away, and the daemon is killed.
        run.redis.kill()
        let parts = [Counts(good: 20, noise: 1, bad: 4, held: 2), Counts(good: 10, noise: 2, bad: 0, held: 4)]
        let (second, total) = (parts[0] + parts[1], first + parts[0] + parts[1])
        daemon = try await start()
        for (count, part) in zip([first.held + parts[0].held, total.held], parts) {
            #expect(try await HTTPExchange.post(part.json, port: daemon.port).status == 200)
            // A cursor that has moved is written with the next part.
            status = try await self.status { $0.held == count }
        }
        #expect(status.accepted == second.all)
        #expect(status.delivered == status.ignored && status.failed == 0 && status.letters == first.bad)
        #expect(status.accounted == second.all - second.held)
        _ = await daemon.kill()
        let events = try await recount("collector/events")
        #expect(events.listed == total.all && events.found == total.all)
        // The cursor stands before the first that Redis did not get.
        #expect(events.behind >= second.good + second.bad && events.behind <= second.all)

        // Redis comes back under a third.
        daemon = try await start()
        status = try await self.status { $0.held >= total.held }
        #expect(status.accepted == 0 && status.unread == 0)
        try await BlockingWork.run { try run.redis.start() }
        status = try await self.status { $0.isSettled && $0.letters == total.bad }
        let again = status.held - total.held
        #expect(status.delivered - status.ignored == second.good && status.failed == second.bad)
        // Those that were held or left out before the kill are so once more: they lie behind the cursor.
        #expect(again >= 0 && again <= second.held)
        #expect(status.accounted + again == events.behind)
        #expect(await daemon.stop().code == 0)

        // Nothing is left, and a fourth finds what the third left behind.
        daemon = try await start()
        status = try await self.status()
        #expect(status.accepted == 0 && status.accounted == 0 && status.isSettled)
        #expect(await daemon.stop().code == 0)
        let (end, letters, held) = (
            try await recount("collector/events"), try await recount("collector/dead-letters/redis"),
            try await recount("collector/held/redis")
        )
        #expect(end.listed == total.all && end.found == total.all && end.behind == 0)
        #expect(letters.listed == total.bad && letters.found == total.bad)
        #expect(held.listed == total.held + again && held.found == held.listed)
        #expect(try await BlockingWork.run { try run.events().count } == total.good)
    }
}
