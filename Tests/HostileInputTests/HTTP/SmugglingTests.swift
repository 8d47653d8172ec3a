import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Requests in which another one hides, to the real daemon, each with a marker behind it: the marker is answered as the
/// next request, or the connection ends; what hides is never acted on.
@Suite("Smuggling", .timeLimit(.minutes(2)))
struct SmugglingTests {
    private struct Outcome: Sendable {
        let result: SmugglingCheck.Result?
        let fault: String
        let ids: Set<String>
    }

    /// Sends each on a connection of its own and notes which events it brought.
    private func send(_ all: [[UInt8]], to daemon: HostileDaemon) async throws -> [Outcome] {
        let port = daemon.port
        var outcomes: [Outcome] = []
        var lineCount = 0
        for bytes in all {
            let (result, fault) = await BlockingWork.run { () -> (SmugglingCheck.Result?, String) in
                do { return (try SmugglingCheck.send(bytes, to: port), "") } catch { return (nil, "\(error)") }
            }
            let lines = try daemon.lines("plain")
            let ids = try lines[lineCount...].map { try JSONValue(jsonText: $0)["id"].string ?? "" }
            lineCount = lines.count
            outcomes.append(Outcome(result: result, fault: fault, ids: Set(ids)))
        }
        return outcomes
    }

    @Test("one rule a file")
    func corpus() async throws {
        let daemon = try await HostileDaemon.start()
        let outcomes = try await send(SmugglingCase.all.map { try $0.bytes() }, to: daemon)
        for (smuggling, outcome) in zip(SmugglingCase.all, outcomes) {
            let result = try #require(outcome.result, "\(smuggling.file): \(outcome.fault)")
            #expect(result.statuses.first == smuggling.status, "\(smuggling.file): \(result)")
            #expect(result.hasMarker != smuggling.closes, "\(smuggling.file): \(result)")
            if smuggling.closes { #expect(result.statuses.count == 1, "\(smuggling.file): \(result)") }
            #expect(outcome.ids == smuggling.ids, "\(smuggling.file)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("the files of HTTPServerTests, to the daemon")
    func otherCorpus() async throws {
        let folder = Fixtures.packageRoot.appending(path: "Tests/HTTPServerTests/Fixtures/http")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "raw" }
        #expect(files.count >= 80)
        let daemon = try await HostileDaemon.start()
        let outcomes = try await send(files.map { Array(try Data(contentsOf: $0)) }, to: daemon)
        for (file, outcome) in zip(files, outcomes) {
            let name = file.lastPathComponent
            let result = try #require(outcome.result, "\(name): \(outcome.fault)")
            #expect(result.hasMarker != name.contains("-close."), "\(name): \(result)")
            // Where the path is not known, the body is dropped: a fault in it ends the connection, the 404 on its way out
            // or not.
            if name.contains(".400-close.") {
                #expect([[400], [404], []].contains(result.statuses), "\(name): \(result)")
            }
            #expect(outcome.ids.isEmpty, "\(name)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    /// Where a byte is put into a field that says how a body ends.
    private static let places = [
        "Transfer-Encoding@: chunked", "@Transfer-Encoding: chunked", "Transfer-@Encoding: chunked",
        "Transfer-Encoding:@chunked", "Transfer-Encoding: @chunked", "Transfer-Encoding: chunked@",
        "Transfer-Encoding: chun@ked", "X: y@Transfer-Encoding: chunked", "X: y\r\n@Transfer-Encoding: chunked",
        "Content-Length@: 5", "Content-Length: 5@", "Content-Length: @5", "Content-Length:@5", "@Content-Length: 5",
    ]

    @Test("each of 256 bytes at each place of the fields that say where a body ends", arguments: places)
    func everyByte(_ place: String) async throws {
        let hidden = "GET /collect?name=a%20b&id=hidden HTTP/1.1\r\nHost: h\r\n\r\n"
        let parts = place.split(separator: "@", omittingEmptySubsequences: false).map { Array($0.utf8) }
        let all = (0...255).map { byte -> [UInt8] in
            let isCoding = place.contains("Transfer")
            // Who sees no chunks reads the whole as one body; who does not see the length, as another request.
            let head =
                "POST /none HTTP/1.1\r\nHost: h\r\n" + (isCoding ? "Content-Length: \(5 + hidden.utf8.count)\r\n" : "")
            return Array(head.utf8) + parts[0] + [UInt8(byte)] + parts[1] + Array("\r\n\r\n0\r\n\r\n\(hidden)".utf8)
        }
        let daemon = try await HostileDaemon.start()
        let outcomes = try await send(all, to: daemon)
        for (bytes, outcome) in zip(all, outcomes) {
            let text = Comment(rawValue: String(decoding: bytes, as: UTF8.self).debugDescription)
            let result = try #require(outcome.result, text)
            #expect(result.statuses.allSatisfy { (200..<500).contains($0) }, text)
            #expect(outcome.ids.isSubset(of: SmugglingCheck.expectedIDs(bytes)), text)
        }
        #expect(ProcessFigures.isRunning(daemon.process.identifier))
        await daemon.end()
    }
}
