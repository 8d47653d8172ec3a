import CollectorTesting
import EventJSON
import Foundation
import Synchronization
import TestSupport
import Testing

/// The daemon under steady load for as long as `SOAK_SECONDS` says (`make soak`: an hour), with bad JSON, clients that
/// leave, and a Redis that is started anew: nothing acknowledged is lost, and nothing grows.
@Suite("Soak", .timeLimit(.minutes(600)))
final class SoakTests: Sendable {
    private static let seconds = ProcessInfo.processInfo.environment["SOAK_SECONDS"].flatMap { Int($0) } ?? 60
    /// What each of the clients sends in a second; a debug build on one core bears it.
    private static let requestsPerSecond = 25
    private static let clientCount = 4

    private let acknowledged = Mutex<Set<String>>([])

    /// One client: requests at fixed times, whatever became of those before.
    private func run(client: Int, port: Int, until end: ContinuousClock.Instant) throws {
        var generator = SeededGenerator(seed: UInt64(client))
        var connection = try RawConnection(port: port)
        var number = 0
        var next = ContinuousClock.now
        func event() -> (id: String, text: String) {
            number += 1
            let id = "soak-\(client)-\(number)"
            let filling = String(repeating: "x", count: generator.next(below: 500))
            return (
                id, #"{"name":"page view","id":"\#(id)","consent":{"analytics":true},"data":{"value":"\#(filling)"}}"#
            )
        }
        while ContinuousClock.now < end {
            let events = (0..<(generator.next(below: 5) == 0 ? 5 : 1)).map { _ in event() }
            let body = events.count == 1 ? events[0].text : "[\(events.map(\.text).joined(separator: ","))]"
            switch generator.next(below: 20) {
            case 0: expect(400, try? connection.post(Array(body.utf8.dropLast())))
            case 1:
                // A client that leaves in the middle of its body.
                let leaving = try RawConnection(port: port)
                leaving.send(
                    "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n"
                )
                leaving.send(body)
                leaving.reset()
            default:
                if let answer = try? connection.post(Array(body.utf8)) {
                    if answer.status == 200 { acknowledged.withLock { $0.formUnion(events.map(\.id)) } }
                } else {
                    connection = try RawConnection(port: port)
                }
            }
            next += .milliseconds(1000 / Self.requestsPerSecond)
            let pause = next - ContinuousClock.now
            // The rate is what this test is about.
            if pause > .zero { usleep(UInt32(pause / .microseconds(1))) }
        }
    }

    private func expect(_ status: Int, _ answer: HTTPAnswer?) {
        if let answer, answer.status != status { unexpectedStatuses.withLock { $0.append(answer.status) } }
    }

    private let unexpectedStatuses = Mutex<[Int]>([])

    @Test("nothing acknowledged is lost; memory and descriptors stay; the log has nothing unexpected")
    func soak() async throws {
        let redis = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        let daemon = try await HostileDaemon.start(
            destinations:
                #","redis":{"package":"redis","config":{"settings":{"redis":{"url":"unix://\#(redis.socketPath)","streamKey":"events"}}}}"#
        )
        let identifier = daemon.process.identifier
        let port = daemon.port
        try await daemon.expectUnharmed("before")
        let descriptorsBefore = ProcessFigures.descriptorCount(of: identifier)
        let start = ContinuousClock.now
        let end = start + .seconds(Self.seconds)
        var afterThird = 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<Self.clientCount {
                group.addTask { try await BlockingWork.run { try self.run(client: client, port: port, until: end) } }
            }
            try await Task.sleep(until: start + .seconds(Self.seconds) / 3)
            afterThird = ProcessFigures.residentByteCount(of: identifier)
            try await Task.sleep(until: start + .seconds(Self.seconds) / 2)
            try await BlockingWork.run {
                redis.stop()
                try redis.start()
            }
            try await group.waitForAll()
        }
        try await daemon.expectUnharmed("after")
        let atEnd = ProcessFigures.residentByteCount(of: identifier)
        #expect(atEnd < afterThird + afterThird / 4 + 16 << 20, "\(afterThird) bytes became \(atEnd)")
        #expect(unexpectedStatuses.withLock { $0 } == [])
        let ids = try streamIDs(redis)
        let acknowledged = acknowledged.withLock { $0 }
        #expect(acknowledged.count > Self.seconds * Self.clientCount * 5)
        #expect(acknowledged.subtracting(ids).isEmpty)
        // Clients that left are let go when the daemon sees it, which is not at once.
        let deadline = ContinuousClock.now + .seconds(20)
        while ProcessFigures.descriptorCount(of: identifier) > descriptorsBefore, ContinuousClock.now < deadline {
            usleep(50_000)
        }
        #expect(ProcessFigures.descriptorCount(of: identifier) <= descriptorsBefore)
        let log = await daemon.end().errors
        for line in log.split(separator: "\n") where line.contains(" error ") || line.contains(" warning ") {
            let isExpected = ["Redis", "invalid event rejected", "destination"].contains { line.contains($0) }
            #expect(isExpected, "\(line)")
        }
    }

    private func streamIDs(_ redis: RedisServer) throws -> Set<String> {
        let probe = try redis.probe()
        var ids: Set<String> = []
        var start = "-"
        while true {
            let entries = try probe.command("XRANGE", "events", start, "+", "COUNT", "1000").elements
            guard let last = entries.last?.elements.first?.text else { return ids }
            for entry in entries {
                ids.insert(try JSONValue(jsonText: entry.elements[1].elements[1].text ?? "")["id"].string ?? "")
            }
            start = "(" + last
        }
    }
}
