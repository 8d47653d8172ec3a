import Glibc
import Testing

@testable import DurableLog

/// The store that version 1 of the format wrote opens in every later version.
@Suite("Fixture store")
struct FixtureTests {
    static let path: String = {
        let here = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(here)/Fixtures/durable-log/version-1"
    }()

    private static let files = [
        "FORMAT",
        "keys/0000000000000001.keys",
        "log/0000000000002000.log",
        "segments/01/0000000000000001-0000000000000000.seg",
        "segments/01/0000000000000001-000000000000017c.seg",
        "segments/01/0000000000000001-0000000000000302.seg",
        "segments/02/0000000000000002-0000000000000000.seg",
        "segments/03/0000000000000003-0000000000000008.seg",
        "streams.db/data.mdb",
    ]

    private static let texts = (0..<30).map { "order \($0) of the first version" }
    private static let tuple = ProducerTuple(id: "producer", epoch: 2, sequence: 29)

    @Test("opens, is sound, and says what was written")
    func opens() async throws {
        let folder = try TemporaryFolder()
        try TemporaryFolder.copy(Self.path, to: folder.path + "/store")
        let report = try StoreInspector(directory: folder.path + "/store").check()
        #expect(report.isSound, "\(report.problems)")
        let time = ManualStoreClock()
        let store = try DurableStreamStore(directory: folder.path + "/store", clock: time.clock)
        #expect(store.recovery.damage.isEmpty && store.recovery.replayedFrameCount == 3)
        #expect(try await store.texts("orders") == Self.texts)
        #expect(try await store.texts("events") == ["{\"a\":1}", "[2]", "{\"key\":1}", "{\"later\":true}"])
        #expect(try await store.texts("fork") == ["{\"a\":1}", "own"])
        let orders = try store.status(of: "orders").get()
        #expect(orders.contentType == "text/plain; charset=utf-8")
        #expect(orders.cursors == ["destination": StreamOffset(position: 27)])
        #expect(orders.retention == RetentionPolicy(maximumByteCount: 1 << 30, cursors: .keepsUnread))
        #expect(try store.status(of: "events").get().isMessageList)
        #expect(try store.status(of: "fork").get().isClosed)
        let repeated = try await store.append(["x"], to: "orders", AppendOptions(producer: Self.tuple))
        #expect(repeated.isRepetition && repeated.tail == orders.tail)
        for (low, end) in [(1, 8 + 4 + 10), (8, 8 + 4 + 10 + 15)] as [(UInt64, UInt64)] {
            let keyed = AppendOptions(keys: MessageKeys([MessageKey(high: 7, low: low)]))
            #expect(try await store.append(["{}"], to: "events", keyed).duplicates.map(\.end.position) == [end])
        }
        await store.close()
        let written = TemporaryFolder.files(Self.path).map { String($0.dropFirst(Self.path.utf8.count + 1)) }
        #expect(written == Self.files)
    }

    @Test("is written again when LOG_WRITE_FIXTURE is set", .enabled(if: getenv("LOG_WRITE_FIXTURE") != nil))
    func write() async throws {
        TemporaryFolder.remove(Self.path)
        mkdir(Self.path, 0o755)
        var limits = StoreLimits().inSmallFiles
        limits.maintenanceIntervalMilliseconds = 100_000
        limits.segmentByteCount = 2_000
        let time = ManualStoreClock()
        let store = try DurableStreamStore(directory: Self.path, limits: limits, clock: time.clock)
        try await store.create(
            "orders",
            CreateOptions(
                contentType: "text/plain; charset=utf-8",
                retention: RetentionPolicy(maximumByteCount: 1 << 30, cursors: .keepsUnread)
            )
        )
        for (index, text) in Self.texts.enumerated() {
            let tuple = ProducerTuple(id: "producer", epoch: 2, sequence: UInt64(index))
            try await store.append([text], to: "orders", AppendOptions(producer: tuple, sequence: "\(index + 100)"))
            time.advance(milliseconds: 1)
            if index == 5 { try await store.maintain() }
        }
        try await store.create("events", CreateOptions(contentType: "application/json", isMessageList: true))
        try await store.append(["{\"a\":1}", "[2]"], to: "events")
        let early = AppendOptions(keys: MessageKeys([MessageKey(high: 7, low: 1)]))
        try await store.append(["{\"key\":1}"], to: "events", early)
        try await store.create(
            "fork",
            CreateOptions(origin: ForkOrigin(source: "events", offset: StreamOffset(position: 8)))
        )
        try await store.append(["own"], to: "fork", AppendOptions(closes: true))
        try store.setCursor("destination", of: "orders", to: StreamOffset(position: 27)).get()
        try await store.maintain()
        // Behind the checkpoint.
        let keyed = AppendOptions(keys: MessageKeys([MessageKey(high: 7, low: 8)]))
        try await store.append(["{\"later\":true}"], to: "events", keyed)
        try await store.setRetention(RetentionPolicy(maximumByteCount: 1 << 30, cursors: .keepsUnread), of: "orders")
        try await store.create("empty")
        store.abandon()
        for file in ["LOCK", "streams.db/lock.mdb"] { unlink(Self.path + "/" + file) }
        for file in TemporaryFolder.files(Self.path + "/log") where file.contains("spare") { unlink(file) }
    }
}
