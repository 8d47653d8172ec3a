import Glibc
import Logging
import Testing

@testable import DurableLog

/// Stores with flipped bits and missing ends: each start ends in a store or in one sentence, and what is read is what
/// was written.
@Suite("Mutilated stores")
struct MutilationTests {
    /// A store of a few kilobytes, in the state that a kill leaves: some of it behind a checkpoint, some only in the log.
    private static func prepare(_ path: String) async throws -> [String: [String]] {
        var limits = StoreLimits().inSmallFiles
        limits.maintenanceIntervalMilliseconds = 100_000
        limits.copyByteCount = 1 << 30
        limits.checkpointByteCount = 1 << 30
        let store = try DurableStreamStore(directory: path, limits: limits)
        var expected: [String: [String]] = [:]
        for round in 0..<4 {
            for name in ["a", "b", "c"] {
                if round == 0 { try await store.create(name) }
                for index in 0..<6 {
                    let texts = ["\(name) \(round) \(index) " + String(repeating: "z", count: 40), "second"]
                    try await store.append(texts, to: name)
                    expected[name, default: []] += texts
                }
            }
            if round < 3 { try await store.maintain() }
        }
        store.abandon()
        return expected
    }

    private static func quiet(_ path: String) throws(StoreOpenError) -> DurableStreamStore {
        var limits = StoreLimits().inSmallFiles
        limits.maintenanceIntervalMilliseconds = 100_000
        return try DurableStreamStore(
            directory: path,
            limits: limits,
            logger: Logger(label: "mutilated") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// What is wrong with a mutilated store, if anything; with how many messages are missing.
    private static func look(_ path: String, _ expected: [String: [String]]) async throws -> (
        String?, lost: Int, damage: Int
    ) {
        let store: DurableStreamStore
        do { store = try quiet(path) } catch {
            let sentence = error.description
            return (sentence.contains("\n") || !sentence.contains("; ") ? "no clear sentence: \(sentence)" : nil, 0, 1)
        }
        var lost = 0
        var wrong: String?
        for (name, texts) in expected {
            guard case .success(let status) = store.status(of: name) else {
                lost += texts.count
                continue
            }
            var found: [String] = []
            var next = status.earliest
            for _ in 0..<1_000 {
                guard let page = try? await store.read(name, from: next, maximumByteCount: 500) else { break }
                found += page.texts
                if page.isUpToDate { break }
                if page.next <= next {
                    wrong = "reading does not get on"
                    break
                }
                next = page.next
            }
            var rest = texts[...]
            for text in found {
                guard let at = rest.firstIndex(of: text) else {
                    wrong = "\(name): found \(text.prefix(20)), which is foreign, or out of order"
                    break
                }
                lost += at - rest.startIndex
                rest = rest[(at + 1)...]
            }
            lost += rest.count
        }
        // It must be a store that can be gone on with.
        let append = await Result.of { try await store.create("new", initialBytes: [1]) }
        if case .failure(let error) = append { wrong = wrong ?? "\(error)" }
        try? await store.maintain()
        let damage = store.damage.count
        await store.close()
        return (wrong, lost, damage)
    }

    private static let count = getenv("LOG_MUTILATIONS").flatMap { Int(String(cString: $0)) } ?? 200

    @Test("a flipped bit is found, and costs no more than its frame")
    func flippedBits() async throws {
        let folder = try TemporaryFolder()
        let expected = try await Self.prepare(folder.path + "/store")
        let files = TemporaryFolder.files(folder.path + "/store").filter {
            !$0.hasSuffix("LOCK") && !$0.hasSuffix("lock.mdb")
        }
        var random = SeededGenerator(seed: 7)
        var silent = 0
        for number in 0..<Self.count {
            let copy = "\(folder.path)/copy \(number)"
            try TemporaryFolder.copy(folder.path + "/store", to: copy)
            let file = try #require(files.randomElement(using: &random))
            let target = copy + file.dropFirst((folder.path + "/store").utf8.count)
            var bytes = try TemporaryFolder.read(target)
            let bit = Int.random(in: 0..<bytes.count * 8, using: &random)
            bytes[bit / 8] ^= 1 << (bit % 8)
            try TemporaryFolder.write(bytes, to: target)
            let (wrong, lost, damage) = try await Self.look(copy, expected)
            if let wrong { Issue.record("bit \(bit) of \(target.suffix(50)): \(wrong)") }
            if lost > 0, damage == 0 { silent += 1 }
            // One frame has two messages; in the last group, what is behind it goes with it.
            if lost > 2, damage == 0 || !target.contains(".log") {
                Issue.record("bit \(bit) of \(target.suffix(50)): \(lost) messages lost, \(damage) places damaged")
            }
            TemporaryFolder.remove(copy)
        }
        #expect(silent == 0)
    }

    @Test("a file that is cut short anywhere ends in a start, or a sentence")
    func truncated() async throws {
        let folder = try TemporaryFolder()
        let expected = try await Self.prepare(folder.path + "/store")
        let files = TemporaryFolder.files(folder.path + "/store").filter {
            !$0.hasSuffix("LOCK") && !$0.hasSuffix("lock.mdb")
        }
        var random = SeededGenerator(seed: 8)
        for number in 0..<Self.count {
            let copy = "\(folder.path)/copy \(number)"
            try TemporaryFolder.copy(folder.path + "/store", to: copy)
            let file = try #require(files.randomElement(using: &random))
            let target = copy + file.dropFirst((folder.path + "/store").utf8.count)
            let bytes = try TemporaryFolder.read(target)
            let length = Int.random(in: 0..<bytes.count, using: &random)
            try TemporaryFolder.write(Array(bytes[..<length]), to: target)
            let (wrong, _, _) = try await Self.look(copy, expected)
            if let wrong { Issue.record("\(target.suffix(50)) cut at \(length): \(wrong)") }
            TemporaryFolder.remove(copy)
        }
    }

    @Test(
        "garbage and zeros behind the end of the log are no frames",
        arguments: [[UInt8](repeating: 0, count: 4096), [UInt8](repeating: 0x44, count: 999), Array("DLF1DLF1".utf8)]
    )
    func garbage(_ garbage: [UInt8]) async throws {
        let folder = try TemporaryFolder()
        let expected = try await Self.prepare(folder.path)
        let log = try #require(TemporaryFolder.files(folder.path + "/log").last { $0.hasSuffix(".log") })
        try TemporaryFolder.write(try TemporaryFolder.read(log) + garbage, to: log)
        let (wrong, lost, _) = try await Self.look(folder.path, expected)
        #expect(wrong == nil && lost == 0)
    }

    @Test("a damaged record of the metadata is made anew, and the metadata is whole afterwards")
    func damagedRecord() async throws {
        let folder = try TemporaryFolder()
        let expected = try await Self.prepare(folder.path)
        let file = folder.path + "/streams.db/data.mdb"
        var bytes = try TemporaryFolder.read(file)
        // The name of a stream and its type, as in every record of one.
        let mark = Array("application/octet-stream".utf8)
        for at in 0..<bytes.count - mark.count where Array(bytes[at..<at + mark.count]) == mark { bytes[at] ^= 1 }
        try TemporaryFolder.write(bytes, to: file)
        let store = try Self.quiet(folder.path)
        #expect(store.recovery.isRebuilt && store.damage.contains { $0.what.contains("records are damaged") })
        for (name, texts) in expected { #expect(try await store.texts(name) == texts) }
        await store.close()
        let again = try Self.quiet(folder.path)
        #expect(again.recovery.damage.isEmpty && again.recovery.isRebuilt == false)
        for (name, texts) in expected { #expect(try await again.texts(name) == texts) }
        await again.close()
    }

    @Test("without its metadata a store is made anew from segments and log", arguments: [false, true])
    func withoutMetadata(_ isGarbage: Bool) async throws {
        let folder = try TemporaryFolder()
        let expected = try await Self.prepare(folder.path)
        let file = folder.path + "/streams.db/data.mdb"
        if isGarbage { try TemporaryFolder.write([UInt8](repeating: 7, count: 20_000), to: file) } else { unlink(file) }
        let (wrong, lost, _) = try await Self.look(folder.path, expected)
        #expect(wrong == nil && lost == 0)
        let again = try Self.quiet(folder.path)
        #expect(again.recovery.isRebuilt == false)
        #expect(try await again.texts("b") == expected["b"])
        await again.close()
    }
}

extension Result where Failure == any Error {
    fileprivate static func of(_ body: () async throws -> Success) async -> Self {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
