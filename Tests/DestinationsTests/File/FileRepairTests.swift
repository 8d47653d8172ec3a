import Collector
import CollectorTesting
import EventJSON
import Foundation
import Logging
import Synchronization
import Testing

@testable import Destinations

/// What happens to files that were damaged, moved, shared or cannot be written.
@Suite("file: faults", .timeLimit(.minutes(1)))
struct FileRepairTests {
    @Test(
        "what a killed process left of a line is cut off, and nothing else",
        arguments: [
            ("", ""), ("{\"data\":{\"n\":9}}\n", "{\"data\":{\"n\":9}}\n"), ("{\"da", ""),
            ("{\"data\":{\"n\":9}}\n{\"data\":{\"n\":", "{\"data\":{\"n\":9}}\n"),
            ("\n" + String(repeating: "x", count: 200_000), "\n"),
            (String(repeating: "x", count: 70_000) + "\n" + String(repeating: "y", count: 65_536), nil),
        ] as [(String, String?)]
    )
    func halfLine(_ before: String, _ after: String?) async throws {
        let house = try FileHouse()
        try house.write(before, to: "e.jsonl")
        let destination = try await house.destination(["filename": house.setting("e.jsonl")])
        let whole = after ?? String(before.prefix(70_001))
        #expect(try house.text("e.jsonl") == whole)
        #expect(house.logs.messages(at: .warning).count == (before == whole ? 0 : 1))
        _ = try await destination.deliver(numbers: [1])
        #expect(try house.text("e.jsonl").dropFirst(whole.count).hasPrefix("{\"name\""))
        try await destination.destroy(house.context)
    }

    @Test(
        "of csv the last row is cut off, wherever it was broken; a line feed between quotes ends no row",
        arguments: ["\"", "\"c", "\"c\n", "\"c\nd", "\"c\"\"\n", "\"c\n\"", "x", "\"c\n\"\"\n\"\"\n"]
    )
    func halfRow(_ rest: String) async throws {
        let house = try FileHouse()
        let settings: JSONObject = [
            "filename": house.setting("e.csv"), "format": "csv", "fields": ["data.a", "data.b"],
        ]
        let whole = "data.a,data.b\n\"a\n\"\"b\",1\n"
        try house.write(whole + rest, to: "e.csv")
        for round in 1...2 {
            let destination = try await house.destination(settings)
            let rows = String(repeating: "\"\nx\",\n", count: round - 1)
            #expect(try house.text("e.csv") == whole + rows)
            _ = try await destination.deliver(data: [["a": "\nx"]])
            try await destination.destroy(house.context)
            #expect(try house.text("e.csv") == whole + rows + "\"\nx\",\n")
            // In the second round what is known to be whole is not read again.
            try house.append(rest, to: "e.csv")
        }
    }

    @Test("a half line that another process leaves is cut off before the next batch")
    func othersHalfLine() async throws {
        let house = try FileHouse()
        let destination = try await house.destination(["filename": house.setting("e.jsonl")])
        _ = try await destination.deliver(numbers: [1])
        try house.append("{\"half", to: "e.jsonl")
        _ = try await destination.deliver(numbers: [2])
        #expect(try house.numbers("e.jsonl") == [1, 2])
        try await destination.destroy(house.context)
    }

    @Test("a file that was moved or deleted, or whose folder was, is made anew with the next batch")
    func moved() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("a/e.csv"), "format": "csv", "fields": ["data.n"],
        ])
        _ = try await destination.deliver(numbers: [1])
        rename("\(house.path)/a/e.csv", "\(house.path)/a/old.csv")
        _ = try await destination.deliver(numbers: [2])
        #expect(try house.text("a/old.csv") == "data.n\n1\n")
        #expect(try house.text("a/e.csv") == "data.n\n2\n")
        unlink("\(house.path)/a/e.csv")
        _ = try await destination.deliver(numbers: [3])
        #expect(try house.text("a/e.csv") == "data.n\n3\n")
        rename("\(house.path)/a", "\(house.path)/b")
        _ = try await destination.deliver(numbers: [4])
        #expect(try house.text("b/e.csv") == "data.n\n3\n")
        #expect(try house.text("a/e.csv") == "data.n\n4\n")
        // As logrotate's copytruncate does.
        truncate("\(house.path)/a/e.csv", 0)
        _ = try await destination.deliver(numbers: [5])
        #expect(try house.text("a/e.csv") == "data.n\n5\n")
        try await destination.destroy(house.context)
    }

    @Test("two writers share one file, with rotation: no line is lost, broken or cut off")
    func shared() async throws {
        let house = try FileHouse()
        // Batches of many pages, made before, so that writers meet and would see each other's half written.
        let lineByteCount = 32
        let batchCount = 60
        var settings = FileSettings(filename: "\(house.path)/e.jsonl")
        settings.rotation = FileRotation(maximumByteCount: 1_000_000)
        var append = FileAppend(place: FilePlace(path: "\(house.path)/e.jsonl"))
        for number in 1...4000 {
            append.text += Array(repeating: UInt8(ascii: "x"), count: lineByteCount - 1) + [UInt8(ascii: "\n")]
            append.lineEnds.append(number * lineByteCount)
        }
        let writers = (0..<2).map { index in
            FileWriter(
                settings: settings,
                header: [],
                id: "\(index)",
                time: house.time.collectorTime,
                logger: house.logs.logger(),
                systemSynchronize: { _ in 0 }
            )
        }
        let batch = append
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in writers {
                group.addTask {
                    try await writer.start()
                    for _ in 0..<batchCount {
                        #expect(await writer.append([batch]).map(\.writtenCount) == [batch.lineEnds.count])
                    }
                    await writer.end()
                }
            }
            try await group.waitForAll()
        }
        #expect(house.logs.messages(at: .warning) == [])
        let files = try house.names()
        #expect(files.count > 1)
        var byteCount = 0
        for name in files {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(house.path)/\(name)")))
            let ends = stride(from: lineByteCount - 1, to: bytes.count, by: lineByteCount)
            #expect(bytes.count <= 1_000_000 && ends.allSatisfy { bytes[$0] == UInt8(ascii: "\n") })
            byteCount += bytes.count
        }
        #expect(byteCount == writers.count * batchCount * batch.text.count)
    }

    @Test("a file that another process holds is not written to, and that is said")
    func locked() async throws {
        let house = try FileHouse()
        try house.write("", to: "e.jsonl")
        let holder = open("\(house.path)/e.jsonl", O_RDONLY | O_CLOEXEC)
        #expect(flock(holder, LOCK_EX) == 0)
        let error = await #expect(throws: WriteFailure.self) {
            _ = try await house.destination(["filename": house.setting("e.jsonl")])
        }
        #expect(
            error?.description
                == "\(house.path)/e.jsonl: is locked by another process; end it, or name another file"
        )
        close(holder)
        let destination = try await house.destination(["filename": house.setting("e.jsonl")])
        #expect(try await destination.deliver(numbers: [1]).allSatisfy(\.isDelivered))
        try await destination.destroy(house.context)
    }

    @Test("a batch whose fsync failed is tried again on another descriptor, never on the same")
    func failedSynchronization() async throws {
        let house = try FileHouse()
        let failures = Mutex(1)
        let seen = Mutex<[Int32]>([])
        let spare = Mutex<Int32>(-1)
        let destination = try await house.destination(["filename": house.setting("e.jsonl")]) { descriptor in
            seen.withLock { $0.append(descriptor) }
            let fails = failures.withLock { count in
                count -= 1
                return count >= 0
            }
            if fails { errno = EIO }
            return fails ? -1 : 0
        }
        let outcome = try #require(try await destination.deliver(numbers: [1]).first)
        #expect(outcome.retryReason == "\(house.path)/e.jsonl: fsync: Input/output error")
        // The number that was closed is taken, so that a new descriptor must have another one.
        spare.withLock { $0 = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        #expect(try await destination.deliver(numbers: [1]).allSatisfy(\.isDelivered))
        #expect(Set(seen.withLock { $0 }).count == 2)
        #expect(try house.numbers("e.jsonl") == [1, 1])
        close(spare.withLock { $0 })
        try await destination.destroy(house.context)
    }

    @Test("events count as delivered after fsync; with an interval it comes later, with never not at all")
    func synchronization() async throws {
        for (setting, atDelivery, later) in [("batch", 2, 2), ("interval", 0, 1), ("never", 0, 0)] {
            let house = try FileHouse()
            let count = Mutex(0)
            let destination = try await house.destination([
                "filename": house.setting("e.jsonl"), "fsync": .string(setting),
            ]) { _ in
                count.withLock { $0 += 1 }
                return 0
            }
            for number in 1...2 { _ = try await destination.deliver(numbers: [number]) }
            #expect(count.withLock { $0 } == atDelivery, "\(setting)")
            if setting == "interval" {
                while house.time.sleeperCount == 0 { await Task.yield() }
                house.time.advance(milliseconds: 999)
                #expect(count.withLock { $0 } == 0)
                house.time.advance(milliseconds: 1)
                while count.withLock({ $0 }) == 0 { await Task.yield() }
            }
            try await destination.destroy(house.context)
            #expect(count.withLock { $0 } == later, "\(setting)")
        }
    }

    @Test("no event is given up for a name in the settings, whatever is wrong with it")
    func outcomes() async throws {
        let house = try FileHouse()
        let destination = try await house.destination(["filename": house.setting("a/e.jsonl")])
        unlink("\(house.path)/a/e.jsonl")
        mkdir("\(house.path)/a/e.jsonl", 0o700)
        let kept = try #require(try await destination.deliver(numbers: [1]).first)
        #expect(kept.retryReason == "\(house.path)/a/e.jsonl: open: Is a directory")
        rmdir("\(house.path)/a/e.jsonl")
        rmdir("\(house.path)/a")
        symlink("/proc/none", "\(house.path)/a")
        let waiting = try #require(try await destination.deliver(numbers: [1]).first)
        #expect(waiting.retryReason != nil, "\(waiting)")
        unlink("\(house.path)/a")
        #expect(try await destination.deliver(numbers: [1]).allSatisfy(\.isDelivered))
        try await destination.destroy(house.context)
    }

    @Test("files are made with the mode, folders so that who may read may enter")
    func modes() async throws {
        for (setting, file, folder) in [(nil, 0o640, 0o750), ("0600", 0o600, 0o700), ("664", 0o664, 0o775)] {
            let house = try FileHouse()
            var settings: JSONObject = ["filename": house.setting("a/b/e.jsonl")]
            if let setting { settings["mode"] = .string(setting) }
            let mask = umask(0)
            umask(mask)
            let destination = try await house.destination(settings)
            func mode(_ name: String) -> Int {
                var status = stat()
                return stat("\(house.path)/\(name)", &status) == 0 ? Int(status.st_mode & 0o777) : -1
            }
            #expect(mode("a/b/e.jsonl") == file & ~Int(mask))
            #expect(mode("a") == folder & ~Int(mask))
            #expect(mode("a/b") == folder & ~Int(mask))
            try await destination.destroy(house.context)
        }
    }
}
