import CollectorTesting
import EventJSON
import Foundation
import Synchronization
import TestSupport
import Testing

/// What was answered 200 is in the files, whatever moment the daemon is killed at.
@Suite("collectord is killed", .timeLimit(.minutes(2)))
struct KillTests {
    private final class Ledger: Sendable {
        private let state = Mutex<(next: Int, acknowledged: Set<String>)>((0, []))

        var acknowledged: Set<String> { state.withLock { $0.acknowledged } }

        func nextID() -> String {
            state.withLock { state in
                state.next += 1
                return "e\(state.next)"
            }
        }

        func note(_ id: String) -> Int {
            state.withLock { state in
                state.acknowledged.insert(id)
                return state.acknowledged.count
            }
        }
    }

    @Test("kill -9 in the middle of writes and rotations: nothing acknowledged is lost, no line is broken")
    func file() async throws {
        let directory = try TemporaryDirectory()
        let flow = directory.path + "/flow.json"
        let folder = directory.path + "/out"
        let settings = #"{"filename":"\#(folder)/e.jsonl","rotation":{"size":20000},"compress":"gzip"}"#
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http"}},
              "destinations":{"file":{"package":"file","config":{"settings":\#(settings)}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        let ledger = Ledger()
        for round in 1...6 {
            let daemon = try await DaemonProcess.start(["run", flow, "--port", "0"])
            let isDue = AsyncStream<Void>.makeStream()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        while true {
                            let id = ledger.nextID()
                            let filling = String(repeating: "x", count: Int.random(in: 0...2000))
                            let event = "{\"name\":\"a b\",\"id\":\"\(id)\",\"data\":{\"x\":\"\(filling)\"}}"
                            // Once the daemon is gone, nobody answers.
                            guard let answer = try? await HTTPExchange.post(event, port: daemon.port),
                                answer.status == 200
                            else { return }
                            if ledger.note(id) >= round * 60 { isDue.continuation.yield() }
                        }
                    }
                }
                for await _ in isDue.stream { break }
                _ = await daemon.kill()
            }
        }
        let daemon = try await DaemonProcess.start(["run", flow, "--port", "0"])
        #expect(try await HTTPExchange.post(#"{"name":"a b","id":"last"}"#, port: daemon.port).status == 200)
        #expect(await daemon.stop().code == 0)
        let text = try await BlockingWork.run {
            let output = directory.path + "/all.jsonl"
            // A file that was being compressed is there plain as well, and whole.
            let script = """
                cd '\(folder)' && for f in *.gz; do [ -e "${f%.gz}" ] || zcat "$f" || exit 1; done > '\(output)'
                cat e*.jsonl >> '\(output)'
                """
            guard ChildProcess.wait(for: try ChildProcess.spawn(["sh", "-c", script])) == 0 else { return "" }
            return String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
        }
        let ids = try text.split(separator: "\n").map { try JSONValue(jsonText: String($0))["id"].string ?? "" }
        #expect(ledger.acknowledged.count >= 360)
        #expect(ledger.acknowledged.subtracting(ids).isEmpty)
        #expect(Set(ids).count == ids.count)
        #expect(ids.contains("last"))
    }
}
