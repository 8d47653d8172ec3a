import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Mutated requests to the real daemon: it answers or closes, and never acts on a request that is not one.
@Suite("Mutated requests", .timeLimit(.minutes(240)))
struct RequestFuzzTests {
    private static func post(_ id: String, _ extra: String = "", inside: String = "") -> String {
        let body = #"{"name":"a b","id":"\#(id)","data":{"x":"\#(inside)"}}"#
        return "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\(extra)Content-Length: "
            + "\(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func chunked(_ id: String, _ pieces: [String] = []) -> String {
        let body = pieces + [#"{"name":"a b","id":"\#(id)"}"#]
        let chunks = body.map { String($0.utf8.count, radix: 16) + "\r\n\($0)\r\n" }.joined()
        return "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "\(chunks)0\r\n\r\n"
    }

    private static func pixel(_ id: String) -> String {
        "GET /collect?name=a%20b&id=\(id) HTTP/1.1\r\nHost: h\r\n\r\n"
    }

    /// Streams of requests; those inside bodies would be found by who misses a body's end.
    private static let seeds: [[UInt8]] = [
        post("@@@@@a"), pixel("@@@@@b"), chunked("@@@@@c"), post("@@@@@a") + chunked("@@@@@b") + pixel("@@@@@c"),
        chunked("@@@@@a") + post("@@@@@b"),
        pixel("@@@@@a") + post("@@@@@b", "Expect: 100-continue\r\n") + pixel("@@@@@c"),
        "POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: \(pixel("@@@@@s").utf8.count)\r\n\r\n\(pixel("@@@@@s"))"
            + pixel("@@@@@a"),
        "POST /none HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "\(String(pixel("@@@@@s").utf8.count, radix: 16))\r\n\(pixel("@@@@@s"))\r\n0\r\n\r\n" + post("@@@@@a"),
        "GET /health HTTP/1.1\r\nHost: h\r\nContent-Length: \(chunked("@@@@@s").utf8.count)\r\n\r\n\(chunked("@@@@@s"))"
            + pixel("@@@@@a"),
        "POST /collect HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1;e=v\r\n{\r\n0\r\nX: y\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            + post("@@@@@a"),
    ]
    .map { Array($0.utf8) }

    /// Five characters that stand for a case in the ids of its events, so that each event tells where it came from.
    private static let placeholder = Array("@@@@@".utf8)

    private static func code(_ number: Int) -> [UInt8] {
        let digits = String(number + 36 * 36 * 36 * 36, radix: 36)
        return Array(digits.utf8.suffix(placeholder.count))
    }

    private static func replacingPlaceholders(_ bytes: [UInt8], by code: [UInt8]) -> [UInt8] {
        var bytes = bytes
        while let range = bytes.firstRange(of: placeholder) { bytes.replaceSubrange(range, with: code) }
        return bytes
    }

    @Test("are answered or end the connection, and bring no event that a strict reader does not find")
    func mutated() async throws {
        let daemon = try await HostileDaemon.start()
        let port = daemon.port
        // What is recorded on a thread of one's own belongs to no test, so it is gathered.
        let (expected, cases, faults) = try await BlockingWork.run { () -> (Set<String>, [String: String], [String]) in
            let run = try FuzzRun("http", defaultCount: 2_500)
            var expected: Set<String> = []
            var cases: [String: String] = [:]
            var faults: [String] = []
            var number = 0
            try run.run { generator in
                var bytes = generator.one(of: Self.seeds)
                if generator.next(below: 3) == 0 { bytes += generator.one(of: Self.seeds) }
                number += 1
                return Self.replacingPlaceholders(
                    RequestMutation.mutate(bytes, with: &generator),
                    by: Self.code(number)
                )
            } attempt: { bytes, origin in
                do {
                    let result = try SmugglingCheck.send(bytes, to: port)
                    if result.statuses.contains(where: { !(200..<500).contains($0) }) {
                        faults.append("\(result.statuses): \(origin)")
                    }
                } catch {
                    faults.append("\(error): \(origin)")
                }
                expected.formUnion(SmugglingCheck.expectedIDs(bytes))
                let text = String(decoding: bytes, as: UTF8.self).debugDescription
                cases[String(decoding: Self.code(number), as: UTF8.self)] = "\(origin): \(text)"
            }
            return (expected, cases, faults)
        }
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
        var deliveredCount = 0
        for line in try daemon.lines("plain") {
            let id = try JSONValue(jsonText: line)["id"].string ?? ""
            // An event whose id was lost on the way got one of the collector's.
            let isMadeUp = id.utf8.count == 16 && id.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
            #expect(isMadeUp || expected.contains(id), "\(id): \(cases[String(id.prefix(5))] ?? "")")
            deliveredCount += 1
        }
        #expect(deliveredCount > expected.count / 2)
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
