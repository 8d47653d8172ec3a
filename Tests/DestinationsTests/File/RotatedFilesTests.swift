import Collector
import CollectorTesting
import EventJSON
import Foundation
import Logging
import Testing

@testable import Destinations

/// Rotation with real files.
@Suite("file: rotation", .timeLimit(.minutes(1)))
struct RotatedFilesTests {
    /// The length of one event's line.
    private static let lineByteCount = #"{"name":"a b","data":{"n":0}}"#.utf8.count + 1

    @Test("files are put away by size, none is overwritten, and a restart goes on in the same file")
    func size() async throws {
        let house = try FileHouse()
        let settings: JSONObject = [
            "filename": house.setting("e.jsonl"),
            "rotation": ["size": .number(JSONNumber(2 * Self.lineByteCount))],
        ]
        try house.write("mine", to: "e-20231114T221320-1.jsonl")
        for start in [0, 3] {
            let destination = try await house.destination(settings)
            for number in start..<start + 3 {
                #expect(try await destination.deliver(numbers: [number]).allSatisfy(\.isDelivered))
            }
            try await destination.destroy(house.context)
        }
        #expect(try house.text("e-20231114T221320-1.jsonl") == "mine")
        #expect(try house.numbers("e-20231114T221320-2.jsonl") == [0, 1])
        #expect(try house.numbers("e-20231114T221320-3.jsonl") == [2, 3])
        #expect(try house.numbers("e.jsonl") == [4, 5])
        #expect(try house.names().count == 4)
    }

    @Test("one batch may fill several files, each with its header")
    func batch() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.csv"), "format": "csv", "fields": ["data.n"], "rotation": ["size": 13],
        ])
        #expect(try await destination.deliver(numbers: 0..<7).allSatisfy(\.isDelivered))
        try await destination.destroy(house.context)
        #expect(try house.text("e-20231114T221320-1.csv") == "data.n\n0\n1\n2\n")
        #expect(try house.text("e-20231114T221320-2.csv") == "data.n\n3\n4\n5\n")
        #expect(try house.text("e.csv") == "data.n\n6\n")
    }

    @Test("a file whose age passes is put away without another event, also after a restart")
    func age() async throws {
        let house = try FileHouse()
        let settings: JSONObject = ["filename": house.setting("e.jsonl"), "rotation": ["age": 60_000]]
        let first = try await house.destination(settings)
        house.time.advance(milliseconds: 50_000)
        _ = try await first.deliver(numbers: [1])
        house.time.advance(milliseconds: 50_000)
        // Writing does not make it younger.
        _ = try await first.deliver(numbers: [2])
        try await first.destroy(house.context)
        #expect(try house.names() == ["e.jsonl"])
        while house.time.sleeperCount > 0 { await Task.yield() }
        let second = try await house.destination(settings)
        while house.time.sleeperCount == 0 { await Task.yield() }
        house.time.advance(milliseconds: 9_999)
        await second.settled()
        #expect(try house.names() == ["e.jsonl"])
        house.time.advance(milliseconds: 1)
        while try house.names().contains("e.jsonl") { await Task.yield() }
        #expect(try house.names() == ["e-20231114T221510-1.jsonl"])
        #expect(try house.numbers("e-20231114T221510-1.jsonl") == [1, 2])
        _ = try await second.deliver(numbers: [3])
        #expect(try house.numbers("e.jsonl") == [3])
        try await second.destroy(house.context)
    }

    @Test("a batch for a file whose age has passed goes into a new one, though no timer rang")
    func ageAtDelivery() async throws {
        let house = try FileHouse()
        let settings: JSONObject = ["filename": house.setting("e.jsonl"), "rotation": ["age": 60_000]]
        let first = try await house.destination(settings)
        _ = try await first.deliver(numbers: [1])
        try await first.destroy(house.context)
        house.time.advance(milliseconds: 60_000)
        let second = try await house.destination(settings)
        _ = try await second.deliver(numbers: [2])
        #expect(try house.numbers("e.jsonl") == [2])
        try await second.destroy(house.context)
    }

    @Test("files that events named are put away by age, also those closed long ago or left by an earlier process")
    func agesOfManyNames() async throws {
        let house = try FileHouse()
        let settings: JSONObject = [
            "filename": ["key": "data.file"], "directory": .string(house.path), "maxOpenFiles": 2,
            "rotation": ["age": 60_000],
        ]
        let first = try await house.destination(settings)
        _ = try await first.deliver(names: (0..<10).map { "d/\($0)" })
        while house.time.sleeperCount == 0 { await Task.yield() }
        house.time.advance(milliseconds: 30_000)
        _ = try await first.deliver(names: ["late"])
        try await first.destroy(house.context)
        while house.time.sleeperCount > 0 { await Task.yield() }
        let second = try await house.destination(settings)
        while house.time.sleeperCount == 0 { await Task.yield() }
        house.time.advance(milliseconds: 30_000)
        while try house.names(in: "d").count(where: { $0.hasSuffix("-20231114T221420-1") }) < 10 { await Task.yield() }
        #expect(try house.names(in: "d").count == 10)
        #expect(try house.names() == ["d", "late"])
        try await second.destroy(house.context)
    }

    @Test("only so many files stay, the newest")
    func keep() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.jsonl"), "rotation": ["size": 1, "keep": 2],
        ])
        for name in ["e-20231114T221319-1.jsonl.gz", "f-20231114T221319-1.jsonl", "e-x.jsonl"] {
            try house.write("", to: name)
        }
        for number in 0..<13 { _ = try await destination.deliver(numbers: [number]) }
        await destination.settled()
        #expect(
            try house.names() == [
                "e-20231114T221320-11.jsonl", "e-20231114T221320-12.jsonl", "e-x.jsonl", "e.jsonl",
                "f-20231114T221319-1.jsonl",
            ]
        )
        #expect(try house.numbers("e-20231114T221320-12.jsonl") == [11])
        try await destination.destroy(house.context)
    }

    @Test("what was put away is compressed, as gzip reads it, with the mode it had")
    func gzip() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.jsonl"), "rotation": ["size": 400_000], "compress": "gzip", "mode": "0600",
        ])
        for start in stride(from: 0, to: 30_000, by: 1000) {
            #expect(try await destination.deliver(numbers: start..<start + 1000).allSatisfy(\.isDelivered))
        }
        await destination.settled()
        let compressed = try house.names().filter { $0.hasSuffix(".gz") }
        #expect(compressed.count >= 2)
        #expect(try house.names() == compressed + ["e.jsonl"])
        var numbers: [Int] = []
        for name in compressed {
            _ = try await house.output(of: ["gzip", "-t", "\(house.path)/\(name)"])
            let text = try await house.output(of: ["zcat", "\(house.path)/\(name)"])
            numbers += try FileHouse.numbers(text)
            var status = stat()
            #expect(stat("\(house.path)/\(name)", &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
        numbers += try house.numbers("e.jsonl")
        #expect(numbers == Array(0..<30_000))
        try await destination.destroy(house.context)
    }

    @Test("what a killed process left of compressing is finished or cleared at the start, below every folder")
    func leftovers() async throws {
        let house = try FileHouse()
        mkdir("\(house.path)/d", 0o700)
        let name = "d/e-20231114T221320-"
        // Put away, not compressed; with a draft begun; compressed, the plain one not yet deleted; a lone draft.
        try house.write("one\n", to: "\(name)1.jsonl")
        try house.write("two\n", to: "\(name)2.jsonl")
        try house.write("dra", to: "d/.e-20231114T221320-2.jsonl.gz.part")
        try house.write("three\n", to: "\(name)3.jsonl")
        _ = try await house.output(of: ["gzip", "-k", "\(house.path)/\(name)3.jsonl"])
        try house.write("dra", to: "d/.e-20231114T221320-4.jsonl.gz.part")
        try house.write("other", to: "d/.other.gz.part")
        let destination = try await house.destination([
            "filename": ["key": "data.file"], "directory": .string(house.path), "rotation": ["size": 100],
            "compress": "gzip",
        ])
        await destination.settled()
        #expect(
            try house.names(in: "d") == [".other.gz.part"] + (1...3).map { "e-20231114T221320-\($0).jsonl.gz" }
        )
        for (number, text) in [(1, "one\n"), (2, "two\n"), (3, "three\n")] {
            #expect(try await house.output(of: ["zcat", "\(house.path)/\(name)\(number).jsonl.gz"]) == text)
        }
        try await destination.destroy(house.context)
    }

    @Test("a file that cannot be put away goes on being written, and that is said once")
    func stuck() async throws {
        let house = try FileHouse()
        // Renaming a link would move no line.
        try house.write("", to: "real.jsonl")
        symlink("real.jsonl", "\(house.path)/e.jsonl")
        let destination = try await house.destination([
            "filename": house.setting("e.jsonl"), "rotation": ["size": 1],
        ])
        for number in 1...3 { #expect(try await destination.deliver(numbers: [number]).allSatisfy(\.isDelivered)) }
        #expect(try house.names() == ["e.jsonl", "real.jsonl"])
        #expect(try house.numbers("e.jsonl") == [1, 2, 3])
        #expect(house.logs.messages(at: .error) == ["file not rotated; lines go on into it"])
        try await destination.destroy(house.context)
    }
}
