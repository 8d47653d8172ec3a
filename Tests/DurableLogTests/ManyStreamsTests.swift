import Glibc
import Synchronization
import Testing

@testable import DurableLog

@Suite("Many streams")
struct ManyStreamsTests {
    /// Descriptors of this process that lead into a folder.
    private func descriptors(_ folder: String) -> Int {
        TemporaryFolder.list("/proc/self/fd").filter { name in
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/" + name, &target, target.count - 1)
            guard count > 0 else { return false }
            return String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).hasPrefix(folder)
        }.count
    }

    @Test("two thousand streams are written, checkpointed, read and opened again with few descriptors")
    func many() async throws {
        let folder = try TemporaryFolder()
        var limits = StoreLimits()
        limits.maximumCachedByteCount = 10_000
        var store = try DurableStreamStore(directory: folder.path, limits: limits)
        let answers = Answers()
        let count = 2_000
        for index in 0..<count {
            Array("first \(index)".utf8).withUnsafeBytes { bytes in
                store.create("stream \(index)", CreateOptions(), initialBytes: bytes) {
                    answers.set(index, $0.map { _ in })
                }
            }
        }
        _ = await answers.all(count)
        try await store.maintain()
        for index in stride(from: 0, to: count, by: 7) {
            #expect(try await store.texts("stream \(index)") == ["first \(index)"])
        }
        #expect(descriptors(folder.path) < 2 * limits.maximumOpenSegmentCount + 20)
        #expect(store.statistics().streamCount == count)
        await store.close()
        store = try DurableStreamStore(directory: folder.path, limits: limits)
        #expect(store.recovery.replayedFrameCount == 0)
        #expect(try await store.texts("stream 1999") == ["first 1999"])
        #expect(store.names(prefix: "stream 19", after: "stream 1998", maximumCount: 5) == ["stream 1999"])
        await store.close()
    }

    @Test("LMDB never writes by memory: a full disk would be a signal")
    func flags() {
        #expect(LMDBEnvironment.flags == 0x20_0000)  // MDB_NOTLS and nothing else
    }

    @Test("a chain of ten thousand forks is read, and goes with its last")
    func chain() async throws {
        let store = MemoryStreamStore()
        try await store.create("0", initialBytes: [1])
        let count = 10_000
        for number in 1...count {
            try await store.create("\(number)", CreateOptions(origin: ForkOrigin(source: "\(number - 1)")))
        }
        #expect(try await store.read("\(count)", from: .zero).bytes == [1])
        for number in 0...count { try await store.delete("\(number)") }
        #expect(store.statistics().streamCount == 0)
    }

    @Test("keys are remembered beyond what memory holds, and forgotten beyond their window")
    func keys() async throws {
        let folder = try TemporaryFolder()
        var store = try DurableStreamStore(directory: folder.path)
        try await store.create("s")
        func append(_ value: UInt64) async throws -> Bool {
            let keys = MessageKeys([MessageKey(high: 9, low: value)], maximumCount: 100)
            return try await store.append(["\(value)"], to: "s", AppendOptions(keys: keys)).duplicates.isEmpty
        }
        for value in 0..<50 as Range<UInt64> { #expect(try await append(value)) }
        try await store.maintain()
        #expect(store.engine.core.withLock { $0.keys.recent.count } == 0)
        for value in 0..<50 as Range<UInt64> { #expect(try await append(value) == false) }
        await store.close()
        store = try DurableStreamStore(directory: folder.path)
        for value in 0..<50 as Range<UInt64> { #expect(try await append(value) == false) }
        for value in 50..<140 as Range<UInt64> { #expect(try await append(value)) }
        try await store.maintain()
        // 140 keys came; the last 100 are remembered.
        #expect(try await append(41) == false)
        #expect(try await append(39))
        await store.close()
    }

    @Test("a store in memory remembers at least half as many keys as its limit says, and no more than that many")
    func keysInMemory() async throws {
        var limits = StoreLimits()
        limits.maximumKeyCountInMemory = 10
        let store = MemoryStreamStore(limits: limits)
        try await store.create("s")
        func append(_ value: UInt64) async throws -> Bool {
            let keys = MessageKeys([MessageKey(high: 9, low: value)])
            return try await store.append(["\(value)"], to: "s", AppendOptions(keys: keys)).duplicates.isEmpty
        }
        for value in 0..<50 as Range<UInt64> {
            #expect(try await append(value))
            #expect(store.engine.core.withLock { $0.keys.recent.count } <= 12)
        }
        for value in 45..<50 as Range<UInt64> { #expect(try await append(value) == false) }
        #expect(try await append(30))
    }
}
