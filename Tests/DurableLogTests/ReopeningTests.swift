import Glibc
import Logging
import Synchronization
import Testing

@testable import DurableLog

/// What a store says when it is opened again: closed properly, or abandoned as by a kill.
@Suite("Reopening")
struct ReopeningTests {
    enum End: CaseIterable {
        case closed
        case abandoned
    }

    private func end(_ store: DurableStreamStore, _ end: End) async {
        switch end {
        case .closed: await store.close()
        case .abandoned: store.abandon()
        }
    }

    @Test("the lock is given back though a child that is being started still has its descriptor")
    func lockWithoutCopy() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/LOCK"
        var lock: FileLock? = try FileLock(path, isShared: false)
        #expect(throws: FileFailure.self) { try FileLock(path, isShared: true) }
        // Shares what is locked, as a child's does between fork and exec.
        let copy = dup(try #require(TemporaryFolder.descriptor(of: path)))
        defer { close(copy) }
        lock = nil
        #expect(throws: Never.self) { try FileLock(path, isShared: false) }
        withExtendedLifetime(lock) {}
    }

    @Test("positions that no segment holds are noted as damage, and what follows is read")
    func gap() async throws {
        let folder = try TemporaryFolder()
        var limits = StoreLimits().inSmallFiles
        limits.maximumCachedByteCount = 0
        let store = try DurableStreamStore(
            directory: folder.path,
            limits: limits,
            logger: Logger(label: "gap") { _ in SwiftLogNoOpLogHandler() }
        )
        try await store.create("s")
        let texts = (0..<40).map { "\($0) " + String(repeating: "x", count: 300) }
        for text in texts { try await store.append([text], to: "s") }
        try await store.maintain()
        let lost = try #require(
            store.engine.core.withLock { core -> SegmentRecord? in
                guard let slot = core.durable.slot(named: "s") else { return nil }
                return core.runtimes[slot]?.segments.remove(at: 1)
            }
        )
        let read = try await store.texts("s")
        #expect(read.count < texts.count && read.last == texts.last && Set(read).isSubset(of: texts))
        #expect(store.damage.contains { $0.what.contains("no file holds") && $0.byteRange == lost.base..<lost.end })
        store.abandon()
    }

    @Test("a segment that is full just as a piece of it was written keeps what was written", arguments: [2, 3, 5])
    func fullSegment(framesPerSegment: Int) async throws {
        let folder = try TemporaryFolder()
        var limits = StoreLimits()
        limits.segmentByteCount = framesPerSegment << 20
        let store = try DurableStreamStore(directory: folder.path, limits: limits)
        try await store.create("s")
        let texts = (0..<12).map { "\($0) " + String(repeating: "x", count: 1 << 20) }
        for text in texts {
            try await store.append([text], to: "s")
        }
        try await store.maintain()
        await store.close()
        let again = try DurableStreamStore(directory: folder.path, limits: limits)
        #expect(try await again.texts("s").map(\.utf8.count) == texts.map(\.utf8.count))
        #expect(again.damage.isEmpty)
        await again.close()
    }

    @Test("everything acknowledged is there again", arguments: End.allCases, [false, true])
    func everything(_ how: End, _ small: Bool) async throws {
        let folder = try TemporaryFolder()
        let time = ManualStoreClock()
        let limits = small ? StoreLimits().inSmallFiles : StoreLimits()
        var store = try DurableStreamStore(directory: folder.path, limits: limits, clock: time.clock)
        let producer = AppendOptions(producer: ProducerTuple(id: "p", epoch: 3, sequence: 0), sequence: "a")
        var closing = AppendOptions(producer: ProducerTuple(id: "p", epoch: 3, sequence: 1))
        closing.closes = true
        let keys = AppendOptions(keys: MessageKeys([MessageKey(high: 1, low: 2)]))
        try await store.create("a", CreateOptions(contentType: "text/plain", isMessageList: true))
        for index in 0..<100 { try await store.append(["a\(index)", "b\(index)"], to: "a") }
        try await store.create("closed", CreateOptions(contentType: "x/y"))
        try await store.append(["x"], to: "closed", producer)
        try await store.append(["y"], to: "closed", closing)
        try await store.create("keyed")
        try await store.append(["k"], to: "keyed", keys)
        try await store.create("empty", CreateOptions(retention: RetentionPolicy(maximumMessageCount: 7)))
        try await store.create("gone", initialBytes: [1])
        try await store.delete("gone")
        try await store.create("gone", initialBytes: Array("new".utf8))
        try await store.create(
            "fork",
            CreateOptions(origin: ForkOrigin(source: "a", offset: StreamOffset(position: 6)))
        )
        try await store.append(["f"], to: "fork")
        try await store.delete("a")
        try store.setCursor("reader", of: "keyed", to: StreamOffset(position: 2)).get()
        try await store.create("ttl", CreateOptions(expiry: .afterIdle(seconds: 10)))
        try await store.append([1], to: "ttl")
        let before = ["closed", "keyed", "empty", "gone", "fork", "ttl"].map { store.status(of: $0) }

        for round in 0..<3 {
            await end(store, how)
            store = try DurableStreamStore(directory: folder.path, limits: limits, clock: time.clock)
            #expect(store.recovery.damage.isEmpty)
            #expect(["closed", "keyed", "empty", "gone", "fork", "ttl"].map { store.status(of: $0) } == before)
            #expect(try await store.texts("fork") == ["a0", "b0", "f"], "round \(round)")
            #expect(try await store.texts("gone") == ["new"])
            await #expect(throws: StreamStoreError.deleted) { try await store.read("a", from: .zero) }
            #expect(try await store.append(["y"], to: "closed", closing).isRepetition)
            #expect(try await store.append(["k"], to: "keyed", keys).duplicates.map(\.end.position) == [2])
            #expect(store.names(prefix: "", after: nil, maximumCount: 9).count == 6)
            if round == 1 { try await store.maintain() }
        }
        try await store.append(["z"], to: "fork")
        #expect(try await store.texts("fork") == ["a0", "b0", "f", "z"])
        try await store.delete("fork")
        try await store.create("a")
        time.advance(milliseconds: 20_000)
        #expect(store.status(of: "ttl") == .failure(.absent))
        await store.close()
    }

    @Test("a closed store is opened without reading the log; an abandoned one reads what follows the checkpoint")
    func bounded() async throws {
        let folder = try TemporaryFolder()
        var store = try DurableStreamStore(directory: folder.path)
        try await store.create("s")
        for _ in 0..<50 { try await store.append(["x"], to: "s") }
        try await store.maintain()
        for _ in 0..<7 { try await store.append(["y"], to: "s") }
        store.abandon()
        store = try DurableStreamStore(directory: folder.path)
        #expect(store.recovery.replayedFrameCount == 7)
        await store.close()
        store = try DurableStreamStore(directory: folder.path)
        #expect(store.recovery.replayedFrameCount == 0)
        #expect(try await store.texts("s").count == 57)
        await store.close()
    }

    @Test("an idle time goes on over a restart, and is never shortened")
    func idle() async throws {
        let folder = try TemporaryFolder()
        let time = ManualStoreClock()
        var store = try DurableStreamStore(directory: folder.path, clock: time.clock)
        try await store.create("s", CreateOptions(expiry: .afterIdle(seconds: 100)))
        time.advance(milliseconds: 99_000)
        _ = try await store.read("s", from: .zero)
        try await store.append([1], to: "s")
        time.advance(milliseconds: 9_000)
        // Not noted, for the last access is not long ago.
        _ = try await store.read("s", from: .zero)
        store.abandon()
        store = try DurableStreamStore(directory: folder.path, clock: time.clock)
        time.advance(milliseconds: 99_999)
        _ = try store.status(of: "s").get()
        time.advance(milliseconds: 2_000)
        #expect(store.status(of: "s") == .failure(.absent))
        await store.close()
    }

    @Test("one process has a directory; the other hears which")
    func lock() async throws {
        let folder = try TemporaryFolder()
        let store = try DurableStreamStore(directory: folder.path)
        let error = #expect(throws: StoreOpenError.self) { try DurableStreamStore(directory: folder.path) }
        #expect(error?.description.contains("in use by process \(getpid())") == true)
        await store.close()
        await (try DurableStreamStore(directory: folder.path)).close()
    }

    @Test("a directory that cannot be used is one clear sentence")
    func unusable() async throws {
        let folder = try TemporaryFolder()
        try TemporaryFolder.write([1], to: folder.path + "/file")
        let file = #expect(throws: StoreOpenError.self) { try DurableStreamStore(directory: folder.path + "/file") }
        #expect(file?.description.contains("/file") == true)
        let missing = #expect(throws: StoreOpenError.self) { try DurableStreamStore(directory: folder.path + "/a/b") }
        #expect(missing?.description.contains("cannot make the directory: No such file") == true)
        try TemporaryFolder.write(Array("collectord durable log, version 2\n".utf8), to: folder.path + "/FORMAT")
        let version = #expect(throws: StoreOpenError.self) { try DurableStreamStore(directory: folder.path) }
        #expect(version?.description.contains("not a version that this program knows") == true)
    }

    @Test("metadata that is only out of reach is not set aside")
    func outOfReach() async throws {
        let machine = SimulatedMachine()
        let store = try machine.open()
        try await store.create("s")
        await store.close()
        let error = #expect(throws: StoreOpenError.self) {
            try DurableStreamStore(
                directory: "/store",
                limits: StoreLimits(),
                clock: .system,
                logger: Logger(label: "reach"),
                files: machine.disk
            ) { _ throws(MetadataFailure) in throw MetadataFailure(description: "Cannot allocate memory") }
        }
        #expect(error?.description == "Cannot allocate memory")
        #expect(try machine.disk.list("/store").contains("quarantine") == false)
        let again = try machine.open()
        #expect(again.recovery.replayedFrameCount == 0)
        #expect(again.names(prefix: "", after: nil, maximumCount: 1) == ["s"])
        again.abandon()
    }

    @Test("what was deleted or trimmed gives its files back, after the checkpoint")
    func files() async throws {
        let folder = try TemporaryFolder()
        let store = try DurableStreamStore(directory: folder.path, limits: StoreLimits().inSmallFiles)
        for name in ["a", "b"] {
            try await store.create(name)
            for index in 0..<50 { try await store.append(["message \(index)"], to: name) }
        }
        try await store.maintain()
        let full = TemporaryFolder.files(folder.path + "/segments").count
        #expect(full > 10)
        try await store.delete("a")
        try await store.trim("b", before: try store.status(of: "b").get().tail)
        try await store.maintain()
        #expect(TemporaryFolder.files(folder.path + "/segments") == [])
        #expect(TemporaryFolder.files(folder.path + "/log").count <= 5)
        #expect(store.statistics().segmentByteCount == 0)
        await store.close()
    }
}
