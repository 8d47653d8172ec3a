import CollectorTesting
import Foundation
import TestSupport
import Testing

/// How much memory a stranger can make the daemon take: bodies, heads, queries, bombs, lists, each beyond its limit.
///
/// Exact limits, at the limit and one over: `HTTPServerTests/LimitTests` and `ContentEncodingTests`.
@Suite("Memory under attack", .timeLimit(.minutes(2)), .serialized)
struct MemoryTests {
    private static let mebibyte = 1 << 20

    /// Sends each request eight times on connections of its own and gives the answers, and how much the peak grew.
    private func attack(_ daemon: HostileDaemon, _ requests: [[UInt8]], rounds: Int = 8) async throws -> (
        statuses: Set<Int>, growthByteCount: Int
    ) {
        let identifier = daemon.process.identifier
        let port = daemon.port
        // The first of each kind makes the daemon load what it needs for it.
        _ = try await HTTPExchange.post(HostileDaemon.honestEvent("warm"), port: port)
        ProcessFigures.forgetPeak(of: identifier)
        let before = ProcessFigures.residentByteCount(of: identifier)
        let statuses = try await BlockingWork.run { () -> Set<Int> in
            var statuses: Set<Int> = []
            for _ in 0..<rounds {
                for request in requests {
                    let connection = try RawConnection(port: port)
                    connection.send(request)
                    // What is never whole must not keep the test waiting.
                    connection.closeOutput()
                    if let answer = try connection.answer() { statuses.insert(answer.status) }
                }
            }
            return statuses
        }
        return (statuses, ProcessFigures.peakByteCount(of: identifier) - before)
    }

    private func head(_ fields: String, _ target: String = "/collect", method: String = "POST") -> [UInt8] {
        Array("\(method) \(target) HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\(fields)\r\n".utf8)
    }

    @Test("bodies beyond the limit: 413, in one piece and in chunks, and little more memory than one body")
    func bodies() async throws {
        let daemon = try await HostileDaemon.start()
        let megabytes = [UInt8](repeating: UInt8(ascii: " "), count: 8 * Self.mebibyte)
        let small = Array("1000\r\n".utf8) + megabytes[..<4096] + [13, 10]
        let requests = [
            head("Content-Length: \(megabytes.count)\r\n") + megabytes,
            head("Content-Length: 9223372036854775807\r\n") + megabytes,
            head("Transfer-Encoding: chunked\r\n") + Array("800000\r\n".utf8) + megabytes,
            head("Transfer-Encoding: chunked\r\n") + (0..<2048).flatMap { _ in small },
            head("Transfer-Encoding: chunked\r\n") + (0..<100_000).flatMap { _ in Array("1\r\n \r\n".utf8) },
        ]
        let (statuses, growth) = try await attack(daemon, requests, rounds: 2)
        #expect(statuses.isSubset(of: [413, 400]) && statuses.contains(413))
        #expect(growth < 24 * Self.mebibyte, "\(growth)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("heads beyond the limits: 431 or 414, and next to no memory")
    func heads() async throws {
        let daemon = try await HostileDaemon.start()
        let long = String(repeating: "a", count: 80 * 1024)
        let items = (0..<10_000).map { "a\($0)=1" }.joined(separator: "&")
        let requests = [
            head("X: \(long)\r\n"), head("\(long): x\r\n"), head((0..<257).map { "X\($0): y\r\n" }.joined()),
            head(String(repeating: "a:b\r\n", count: 100_000)), head(String(repeating: "a:\r\n", count: 100_000)),
            head("", "/" + String(repeating: "a", count: Self.mebibyte), method: "GET"),
            head("", "/collect?" + items, method: "GET"),
            Array(String(repeating: "M", count: Self.mebibyte).utf8), Array(repeating: 13, count: Self.mebibyte),
            head("Transfer-Encoding: chunked\r\n") + Array("0\r\n\(String(repeating: "a:b\r\n", count: 100_000))".utf8),
            head("Transfer-Encoding: chunked\r\n")
                + Array("1;\(String(repeating: "a", count: Self.mebibyte))\r\n".utf8),
        ]
        let (statuses, growth) = try await attack(daemon, requests)
        #expect(statuses.isSubset(of: [400, 413, 414, 431]), "\(statuses)")
        #expect(statuses.isSuperset(of: [414, 431]), "\(statuses)")
        #expect(growth < 8 * Self.mebibyte, "\(growth)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    /// A bomb: megabytes of zeros, compressed by a program, as often as told.
    private func bomb(_ command: String, megabytes: Int, in directory: TemporaryDirectory) async throws -> [UInt8] {
        let path = directory.path + "/bomb"
        let code = try await BlockingWork.run {
            ChildProcess.wait(
                for: try ChildProcess.spawn([
                    "sh", "-c", "head -c \(megabytes)000000 /dev/zero | \(command) > '\(path)'",
                ])
            )
        }
        #expect(code == 0, "\(command)")
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    @Test("bombs of each coding, also one inside another: 413 or refused, and no more memory than a body may have")
    func bombs() async throws {
        let directory = try TemporaryDirectory()
        let daemon = try await HostileDaemon.start()
        let deflate =
            #"python3 -c "import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read(),9))""#
        var requests: [[UInt8]] = []
        for (coding, command, megabytes) in [
            ("gzip", "gzip -9", 200), ("gzip", "gzip -9 | gzip -9", 200), ("deflate", deflate, 100),
            ("br", "brotli -c -q 5 -w 22", 200), ("zstd", "zstd -c -3", 200), ("zstd", "zstd -c -3 --long=27", 200),
            ("gzip, gzip", "gzip -9 | gzip -9", 100), ("br, gzip", "gzip -9", 10),
        ] {
            let body = try await bomb(command, megabytes: megabytes, in: directory)
            // As many bytes as a body may have, in case a bomb is larger: it goes off sooner.
            let part = body.prefix(1_000_000)
            requests.append(head("Content-Encoding: \(coding)\r\nContent-Length: \(part.count)\r\n") + part)
        }
        let (statuses, growth) = try await attack(daemon, requests, rounds: 4)
        #expect(statuses.isSubset(of: [400, 413, 415]), "\(statuses)")
        #expect(statuses.isSuperset(of: [413, 415]), "\(statuses)")
        #expect(growth < 32 * Self.mebibyte, "\(growth)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("a list of half a million elements is too large before it takes much memory")
    func lists() async throws {
        let daemon = try await HostileDaemon.start()
        func list(_ element: String, _ count: Int) -> [UInt8] {
            let body = "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
            return head("Content-Length: \(body.utf8.count)\r\n") + Array(body.utf8)
        }
        let (statuses, growth) = try await attack(
            daemon,
            [list("0", 520_000), list("{}", 340_000), list("[]", 340_000)]
        )
        #expect(statuses == [400])
        #expect(growth < 16 * Self.mebibyte, "\(growth)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("a pixel's 8 KiB do not become megabytes")
    func pixels() async throws {
        let daemon = try await HostileDaemon.start()
        let deep = (0..<40).map { "data[d\($0)]" + String(repeating: "[1000]", count: 31) }.joined(separator: "&")
        let wide = (0..<700).map { "data[a][\($0)][999]" }.joined(separator: "&")
        let numbers = (0..<1000).map { "data[\(1000 - $0)]" }.joined(separator: "&")
        let requests = [deep, wide, numbers].map { query in
            head("", "/collect?name=a%20b&consent[analytics]=true&" + query.prefix(8_000), method: "GET")
        }
        let (statuses, growth) = try await attack(daemon, requests, rounds: 4)
        #expect(statuses == [200])
        #expect(growth < 16 * Self.mebibyte, "\(growth)")
        let longest = try daemon.lines("plain").map(\.utf8.count).max() ?? 0
        #expect(longest < 32_768, "\(longest)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("large events, one after the other, leave no more behind than the collector says it keeps")
    func largeEvents() async throws {
        let daemon = try await HostileDaemon.start(collector: #"{"maxEventSize":2000000}"#)
        let filling = String(repeating: "x", count: 1_000_000)
        let requests = [
            // Delivered to both; and held by the one that asks for consent.
            #"{"name":"page view","consent":{"analytics":true},"data":{"filling":"\#(filling)"}}"#,
            #"{"name":"page view","data":{"filling":"\#(filling)"}}"#,
        ]
        .map { head("Content-Length: \($0.utf8.count)\r\n") + Array($0.utf8) }
        let (statuses, growth) = try await attack(daemon, requests, rounds: 120)
        #expect(statuses == [200])
        #expect(growth < 180 * Self.mebibyte, "\(growth)")
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("large events while Redis is away: refused for now before memory is full; what was taken is delivered")
    func redisAway() async throws {
        let redis = try RedisServer()
        redis.kill()
        let settings = #"{"redis":{"url":"unix://\#(redis.socketPath)","streamKey":"events"}}"#
        let daemon = try await HostileDaemon.start(
            destinations: #","redis":{"package":"redis","config":{"timeout":1000,"settings":\#(settings)}}"#,
            collector: #"{"memoryMax":134217728,"maxEventSize":2000000}"#
        )
        let filling = String(repeating: "x", count: 1_000_000)
        let statuses = try await daemon.converse { connection in
            try (0..<180).map { number in
                let event = #"{"name":"page view","id":"\#(number)","data":{"filling":"\#(filling)"}}"#
                return try connection.post(Array(event.utf8)).status
            }
        }
        let takenCount = statuses.count { $0 == 200 }
        #expect((110...136).contains(takenCount), "\(takenCount)")
        #expect(statuses.drop { $0 == 200 }.allSatisfy { $0 == 503 })
        #expect(ProcessFigures.residentByteCount(of: daemon.process.identifier) < 400 * Self.mebibyte)
        try redis.start()
        await daemon.process.errorLines(containing: "the destination takes events again", count: 1)
        let probe = try redis.probe()
        let deadline = ContinuousClock.now + .seconds(60)
        while try probe.command("XLEN", "events") != .integer(takenCount), ContinuousClock.now < deadline {
            usleep(50_000)
        }
        #expect(try probe.command("XLEN", "events") == .integer(takenCount))
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
