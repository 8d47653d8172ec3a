import CollectorTesting
import Foundation
import TestSupport
import Testing

/// A daemon that stands still for a while, or that has no descriptors left.
@Suite("collectord is held up", .timeLimit(.minutes(2)))
struct HeldUpTests {
    @Test("stopped for some seconds under load, twice: every request is answered, nothing is lost")
    func stopped() async throws {
        let run = try await BlockingWork.run { try RedisRun(isBehindProxy: true, commandTimeoutMilliseconds: 1000) }
        let daemon = try await DaemonProcess.start(run.arguments)
        async let produced: Void = run.produce(producers: 0..<4, requests: 60, port: daemon.port)
        for round in 1...2 {
            await run.acknowledged(count: round * 300)
            kill(daemon.identifier, SIGSTOP)
            // Longer than a command of Redis may take.
            try await Task.sleep(for: .seconds(2.5))
            kill(daemon.identifier, SIGCONT)
        }
        await produced
        let judgement = try await run.judge(endOf: daemon)
        let cutCount = (run.proxy?.connectionCount ?? 1) - 1
        print("stopped twice: cuts=\(cutCount) duplicates=\(judgement.duplicateCount)")
        #expect(run.oracle.acknowledgedCount == run.oracle.sentCount)
        run.expectWhole(judgement, duplicates: cutCount * RedisRun.window)
    }

    @Test(
        "more connections than there are descriptors: the log goes on, and those that waited are served in their turn"
    )
    func descriptors() async throws {
        let run = try await BlockingWork.run {
            try RedisRun(configuration: #""mapping":{"filler":{"event":{"ignore":true}}},"#)
        }
        // Without what this process has open.
        let limiting = #"for n in {3..255}; do eval "exec $n>&-"; done; ulimit -n 64 && exec "$@""#
        let daemon = try await DaemonProcess.start(run.arguments, wrapper: ["bash", "-c", limiting, "bash"])
        let port = daemon.port
        let (served, waiting) = try await BlockingWork.run { () -> (Int, Int) in
            let connections = try (0..<100).map { _ in try RawConnection(port: port, timeoutSeconds: 30) }
            let first = connections.map { connection in
                let request = run.oracle.next(producer: 0, count: 1)
                connection.send(Self.request(request.json))
                return request
            }
            #expect(try connections[0].answer()?.status == 200)
            run.oracle.acknowledge(first[0])
            // The first has a place, and keeps it. More goes through it than one file of the log holds.
            let filling = String(repeating: "x", count: 200_000)
            let events = (0..<4).map { _ in #"{"name":"filler event","data":{"filling":"\#(filling)"}}"# }
            var served = 0
            for _ in 0..<100 {
                connections[0].send(Self.request("[\(events.joined(separator: ","))]"))
                let answer = try connections[0].answer()
                #expect(answer?.status == 200, "\(answer?.text ?? "none")")
                guard answer?.status == 200 else { break }
                served += 1
            }
            // The others leave when they have their answers, which lets those in that wait.
            for (connection, request) in zip(connections, first).dropFirst() {
                let second = run.oracle.next(producer: 1, count: 1)
                connection.send(Self.request(second.json, "Connection: close\r\n"))
                for request in [request, second] where try connection.answer()?.status == 200 {
                    run.oracle.acknowledge(request)
                }
            }
            return (served, run.oracle.acknowledgedCount)
        }
        #expect(served == 100)
        #expect(waiting == 199)
        // Those that wait are not let in in the order in which they came.
        run.expectWhole(try await run.judge(endOf: daemon), duplicates: 0, isOrdered: false)
        #expect(!daemon.errorText.contains(" error "), "\(daemon.errorText)")
    }

    private static func request(_ body: String, _ fields: String = "") -> String {
        "POST /collect HTTP/1.1\r\nHost: h\r\n\(fields)Content-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
