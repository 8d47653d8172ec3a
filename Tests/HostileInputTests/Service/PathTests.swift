import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Paths that would lead elsewhere: of requests, and of files that events name; and answers that would become two.
///
/// The rules of names, one by one: `DestinationsTests/FileNameTests`.
@Suite("Paths and answers", .timeLimit(.minutes(2)))
struct PathTests {
    /// Pieces that name a parent folder, the root, or nothing, in the ways that decoders have been taken in.
    private static let tricks = [
        "..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "..%2f", "%2f", "%5c", "\\", "..\\", "%00", "%c0%ae%c0%ae",
        "%c0%af", "%e0%80%ae", "..;", ";/..", "%ef%bc%8f", "\u{FF0E}\u{FF0E}", "\u{2024}\u{2024}", "/", "//", ".", "",
        "~",
        "%u002e", "..%00", "..%0d%0a", "*", "?", "|id", "$(id)", "`id`", "CON", "nul",
    ]

    @Test("no spelling of a path reaches the endpoint but its own; none is answered with a server's error")
    func ingestPaths() async throws {
        let daemon = try await HostileDaemon.start()
        let targets = Self.tricks.flatMap { trick in
            [
                "/\(trick)/collect", "/collect/\(trick)", "/collect/\(trick)/collect", "/x/\(trick)/collect",
                "/\(trick)collect",
                "/collect\(trick)", "/health/\(trick)/collect",
            ]
        }
        // Express takes a path without regard to case and to one slash at the end; "?" begins the query.
        let own: Set = ["/collect/", "/collect", "/collect?", "/collect/?", "/collect/?/collect"]
        let port = daemon.port
        let statuses = try await BlockingWork.run {
            try targets.map { target -> Int in
                let connection = try RawConnection(port: port)
                return try connection.post(Array(#"{"name":"page view"}"#.utf8), to: target).status
            }
        }
        for (target, status) in zip(targets, statuses) {
            #expect(
                status == (own.contains(target) ? 200 : 404) || (400...404).contains(status) && status != 403,
                "\(target): \(status)"
            )
            #expect(own.contains(target) || status != 200, "\(target)")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("files that events name stay in their folder, with its mode; nothing else comes to be")
    func fileNames() async throws {
        let outside = try TemporaryDirectory()
        let folder = outside.path + "/inside"
        let named =
            #","named":{"package":"file","config":{"settings":{"directory":"\#(folder)","filename":{"key":"data.file"},"fsync":"never"},"mapping":{"honest":{"event":{"ignore":true}}}}}"#
        let daemon = try await HostileDaemon.start(destinations: named)
        let names =
            Self.tricks.flatMap { ["\($0)", "\($0)/x", "x/\($0)", "x/\($0)/y", "\($0)\($0)/etc/passwd"] }
            + [
                "/etc/passwd", outside.path + "/x", "good.jsonl", "good/name.jsonl",
                String(repeating: "a/", count: 5_000),
            ]
            + (try NaughtyStrings.all())
        let statuses = try await daemon.converse { connection in
            try names.map { name in
                let event: JSONValue = ["name": "page view", "data": ["file": .string(name)]]
                return try connection.post(event.jsonText).status
            }
        }
        #expect(Set(statuses).isSubset(of: [200, 500]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["inside"])
        let found = try FileManager.default.subpathsOfDirectory(atPath: folder)
        #expect(found.contains("good.jsonl") && found.contains("good/name.jsonl"))
        for path in found {
            #expect(
                path.utf8.allSatisfy {
                    (0x2D...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F || (0x61...0x7A).contains($0)
                },
                "\(path)"
            )
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + path)
            let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
            #expect(mode & 0o027 == 0, "\(path): \(String(mode, radix: 8))")
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("nothing that a request brings becomes a line of the answer's head")
    func answerSplitting() async throws {
        let daemon = try await HostileDaemon.start(
            source: #","config":{"settings":{"cors":{"origin":true,"credentials":true}}}"#
        )
        let port = daemon.port
        let splits = [
            "%0d%0aX-Injected: y", "\\r\\nX-Injected: y", "\u{E}\u{A}", "é\u{85}X-Injected: y",
            "\u{560D}\u{560A}X-Injected: y",
        ]
        let answers = try await BlockingWork.run {
            try splits.flatMap { split in
                try [
                    "POST /collect?\(split) HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain; charset=\(split)\r\nContent-Length: 0\r\n\r\n",
                    "OPTIONS /collect HTTP/1.1\r\nHost: h\r\nOrigin: https://a\(split)\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x\(split)\r\n\r\n",
                    "POST /collect HTTP/1.1\r\nHost: h\r\nOrigin: https://a\(split)\r\nContent-Type: text/plain\r\nContent-Encoding: \(split)\r\nContent-Length: 2\r\n\r\n{}",
                    "PUT /collect/\(split) HTTP/1.1\r\nHost: h\(split)\r\nX-Request-Id: \(split)\r\nContent-Length: 0\r\n\r\n",
                ]
                .map { request in
                    let connection = try RawConnection(port: port)
                    connection.send(request)
                    connection.closeOutput()
                    return try connection.receiveAll()
                }
            }
        }
        for answer in answers {
            let end = try #require(answer.firstRange(of: Array("\r\n\r\n".utf8)))
            let head = answer[..<end.lowerBound]
            for line in head.split(separator: 10) {
                #expect(!line.starts(with: "X-Injected".utf8), "\(String(decoding: answer, as: UTF8.self))")
                #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 9 })
            }
            #expect(head.count { $0 == 10 } == head.count { $0 == 13 })
        }
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
