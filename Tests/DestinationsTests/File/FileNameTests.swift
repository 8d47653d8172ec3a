import Collector
import CollectorTesting
import EventJSON
import Foundation
import Testing

@testable import Destinations

/// Names that events choose.
@Suite("file: names", .timeLimit(.minutes(1)))
struct FileNameTests {
    /// Names that must not be used, each with the rule it breaks.
    static let refused: [(String, FileName.Fault)] = [
        ("../x", .dot), ("..", .dot), (".", .dot), ("a/../../b", .dot), ("a/..", .dot), ("a/./b", .dot),
        (".hidden", .dot),
        ("a/.b/c", .dot), ("...", .dot),
        ("/etc/passwd", .absolute), ("/", .absolute), ("//etc/passwd", .absolute),
        ("a//b", .emptySegment), ("a/", .emptySegment), ("a/b//", .emptySegment),
        ("..%2f", .dot), ("%2e%2e%2fx", .character), ("a%00", .character), ("a\0", .character),
        ("a\u{0}/../b", .character),
        ("..\\x", .dot), ("a\\..\\b", .character), ("C:x", .character), ("a;b", .character), ("a b", .character),
        ("a\n", .character), ("a\r\nb", .character), ("a\u{1B}[31m", .character), ("a\u{7F}", .character),
        ("\u{2024}\u{2024}/x", .character), ("\u{FF0E}\u{FF0E}/x", .character), ("a\u{2025}", .character),
        ("\u{2026}", .character), ("a\u{FF0F}b", .character), ("a\u{2215}b", .character), ("é", .character),
        ("a\u{202E}b", .character), ("~/x", .character), ("$HOME", .character), ("a*", .character),
        (String(repeating: "a", count: 256), .longSegment), (String(repeating: "a", count: 256) + "/b", .longSegment),
        (String(repeating: "a", count: 201), .longSegment), (String(repeating: "abcdefg/", count: 128) + "a", .tooLong),
        (String(repeating: "a/", count: 16) + "a", .tooDeep), ("", .empty),
        ("x-20231114T221320-1.jsonl", .rotated), ("a/x-20231114T221320-12", .rotated), ("x.gz", .rotated),
    ]

    @Test("what could lead out of the folder, or into what was put away, is refused", arguments: refused)
    func refusal(_ name: String, _ fault: FileName.Fault) {
        #expect(throws: fault) { try FileName(name) }
    }

    @Test(
        "plain names are taken",
        arguments: [
            "a", "events.jsonl", "2025/11/21/shop.de_web-1.jsonl", "-", "_", "a..b", "a.", "x-20231114T221320-0.jsonl",
            "x-20231114-1", String(repeating: "b", count: 255) + "/" + String(repeating: "a", count: 200),
            String(repeating: "a/", count: 15) + "a",
        ]
    )
    func taken(_ name: String) throws {
        #expect(try FileName(name).segments.joined(separator: "/") == name)
    }

    @Test("no name from an event writes outside the folder; it is rejected without being repeated")
    func confinement() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": ["key": "data.file"], "directory": house.setting("inside"),
        ])
        let outcomes = try await destination.deliver(names: Self.refused.map(\.0))
        for (outcome, (name, fault)) in zip(outcomes, Self.refused) {
            let reason = try #require(outcome.rejection)
            #expect(name.isEmpty ? reason == FileNaming.noName : reason.hasSuffix(fault.rawValue))
            #expect(name.utf8.count < 4 || !reason.contains(name))
        }
        try await destination.destroy(house.context)
        #expect(try house.names() == ["inside"])
        #expect(try house.names(in: "inside") == [])
    }

    @Test("links inside the folder are not followed, neither as folders nor as files")
    func links() async throws {
        let house = try FileHouse()
        for folder in ["inside", "outside"] { mkdir("\(house.path)/\(folder)", 0o700) }
        try house.write("", to: "outside/file")
        symlink("../outside", "\(house.path)/inside/folder")
        symlink("../outside/file", "\(house.path)/inside/link")
        symlink("../outside/new", "\(house.path)/inside/dangling")
        mkdir("\(house.path)/inside/real", 0o700)
        mkfifo("\(house.path)/inside/pipe", 0o600)
        let destination = try await house.destination([
            "filename": ["key": "data.file"], "directory": house.setting("inside"),
        ])
        let outcomes = try await destination.deliver(
            names: ["folder/file", "folder/new", "link", "dangling", "real", "pipe", "link/x", "real/good"]
        )
        for outcome in outcomes.dropLast() {
            let reason = try #require(outcome.rejection, "\(outcome)")
            #expect(reason.hasPrefix("\(house.path)/inside/…: "))
        }
        #expect(outcomes.last?.isDelivered == true)
        #expect(try house.names(in: "outside") == ["file"])
        #expect(try house.text("outside/file").isEmpty)
        #expect(try house.numbers("inside/real/good") == [7])
        try await destination.destroy(house.context)
    }

    @Test("an event that gives no name is rejected, and those beside it are written in order")
    func noName() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": ["map": ["x": "data.file"]], "directory": .string(house.path),
        ])
        #expect(try await destination.deliver(names: ["a"]).map(\.rejection) == [FileNaming.noName])
        try await destination.destroy(house.context)
        let other = try await house.destination([
            "filename": [["key": "data.file"], ["value": "none.jsonl"]], "directory": .string(house.path),
        ])
        let outcomes = try await other.deliver(data: [
            ["n": 1, "file": "a"], ["n": 2], ["n": 3, "file": "b"], ["n": 4, "file": 5], ["n": 5, "file": "a"],
        ])
        #expect(outcomes.map(\.isDelivered) == [true, true, true, false, true])
        #expect(try house.numbers("a") == [1, 5])
        #expect(try house.numbers("b") == [3])
        #expect(try house.numbers("none.jsonl") == [2])
        try await other.destroy(house.context)
    }

    @Test("2 000 names with 8 files open: all lines are there, and no descriptor stays")
    func manyNames() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": ["key": "data.file"], "directory": .string(house.path), "maxOpenFiles": 8,
            "rotation": ["age": 1_000_000],
        ])
        func descriptors() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
                .count {
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                        .hasPrefix(house.path) == true
                }
        }
        let names = (0..<2000).map { "d\($0 % 10)/f\($0).jsonl" }
        for _ in 0..<2 {
            #expect(try await destination.deliver(names: names).allSatisfy(\.isDelivered))
            // A descriptor for the file and one for its folder.
            #expect(try descriptors() == 16)
        }
        for number in stride(from: 0, to: 2000, by: 77) {
            #expect(try house.numbers("d\(number % 10)/f\(number).jsonl") == [number, number])
        }
        #expect(try (0..<10).map { try house.names(in: "d\($0)").count } == Array(repeating: 200, count: 10))
        try await destination.destroy(house.context)
        #expect(try descriptors() == 0)
    }
}
