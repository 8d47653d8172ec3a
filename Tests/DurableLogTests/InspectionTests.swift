import Glibc
import Testing

@testable import DurableLog

@Suite("Inspection")
struct InspectionTests {
    /// A store with segments, a fork, a closed stream, and a log behind the checkpoint.
    private func prepare(_ path: String) async throws {
        var limits = StoreLimits().inSmallFiles
        limits.maintenanceIntervalMilliseconds = 100_000
        let store = try DurableStreamStore(directory: path, limits: limits)
        try await store.create("a", CreateOptions(contentType: "text/plain", isMessageList: true))
        for index in 0..<40 { try await store.append(["a\(index)", "more"], to: "a") }
        try await store.create("b", CreateOptions(origin: ForkOrigin(source: "a", offset: StreamOffset(position: 16))))
        try await store.append(["b"], to: "b", AppendOptions(closes: true))
        try store.setCursor("c", of: "a", to: StreamOffset(position: 8)).get()
        try await store.maintain()
        try await store.append(["last"], to: "a")
        store.abandon()
    }

    private func snapshot(_ path: String) throws -> [String: [UInt8]] {
        var snapshot: [String: [UInt8]] = [:]
        for file in TemporaryFolder.files(path) { snapshot[file] = try TemporaryFolder.read(file) }
        return snapshot
    }

    @Test("a sound store is found sound, read whole, brought over, and not touched")
    func sound() async throws {
        let folder = try TemporaryFolder()
        try await prepare(folder.path)
        let before = try snapshot(folder.path)
        let inspector = try StoreInspector(directory: folder.path)
        #expect(inspector.streams().map(\.name) == ["a", "b"])
        #expect(inspector.streams()[1].isClosed && inspector.streams()[0].cursors == ["c": StreamOffset(position: 8)])
        var steps: [InspectionProgress] = []
        let report = inspector.check { steps.append($0) }
        #expect(report.isSound, "\(report.problems)")
        #expect(report.fileCount > 4 && report.frameCount > 40)
        #expect(steps.count == report.fileCount)
        #expect(steps.last.map { $0.doneByteCount == $0.totalByteCount && $0.totalByteCount > 0 } == true)
        let page = try inspector.read("b", from: .zero).get()
        #expect(page.isAtEnd && page.texts == ["a0", "more", "a1", "more", "b"])
        let store = MemoryStreamStore()
        let salvage = await inspector.salvage(to: store)
        #expect(salvage.streamCount == 2 && salvage.messageCount == 81 + 5 && salvage.failed.isEmpty)
        #expect(try await store.texts("a").last == "last")
        #expect(try store.status(of: "b").get().isClosed)
        #expect(try store.status(of: "a").get().cursors == ["c": StreamOffset(position: 8)])
        #expect(try snapshot(folder.path) == before)
    }

    @Test("damage is found where it is, the rest is salvaged, and nothing is touched")
    func damaged() async throws {
        let folder = try TemporaryFolder()
        try await prepare(folder.path)
        let segment = try #require(TemporaryFolder.files(folder.path + "/segments/01").first)
        var bytes = try TemporaryFolder.read(segment)
        bytes[300] ^= 1
        try TemporaryFolder.write(bytes, to: segment)
        let before = try snapshot(folder.path)
        let inspector = try StoreInspector(directory: folder.path)
        let report = inspector.check()
        #expect(report.problems.count == 1)
        #expect(report.problems.first.map { segment.hasSuffix($0.place) && $0.byteRange.contains(300) } == true)
        let store = MemoryStreamStore()
        let salvage = await inspector.salvage(to: store)
        #expect(salvage.damaged["a"]?.count == 1)
        #expect(try await store.texts("a").count == 79)
        #expect(try snapshot(folder.path) == before)

        var kinds: [String: Int] = [:]
        for file in inspector.fileNames() {
            try inspector.frames(of: file) { finding in
                if case .frame(let frame) = finding { kinds[frame.kind, default: 0] += 1 }
                return true
            }
        }
        #expect(kinds["append"].map { $0 > 40 } == true)
    }

    @Test("a store that is open is not looked at")
    func open() async throws {
        let folder = try TemporaryFolder()
        let store = try DurableStreamStore(directory: folder.path)
        let error = #expect(throws: StoreOpenError.self) { try StoreInspector(directory: folder.path) }
        #expect(error?.description.contains("in use by process \(getpid())") == true)
        await store.close()
        #expect(try StoreInspector(directory: folder.path).streams().isEmpty)
    }
}
