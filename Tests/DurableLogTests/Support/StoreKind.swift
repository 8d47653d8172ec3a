import DurableLog
import Testing

/// The stores that pass the contract.
enum StoreKind: String, CaseIterable, Sendable {
    case memory
    case durable
    /// With files so small that every boundary is met.
    case durableInSmallFiles

    /// Runs a body on an empty store, and closes it.
    func with(
        limits: StoreLimits = StoreLimits(),
        clock: StoreClock = .system,
        _ body: (any StreamStore) async throws -> Void
    ) async throws {
        switch self {
        case .memory:
            let store = MemoryStreamStore(limits: limits, clock: clock)
            try await body(store)
            await store.close()
        case .durable, .durableInSmallFiles:
            let folder = try TemporaryFolder()
            let store = try DurableStreamStore(
                directory: folder.path,
                limits: self == .durable ? limits : limits.inSmallFiles,
                clock: clock
            )
            do { try await body(store) } catch {
                await store.close()
                throw error
            }
            await store.close()
            #expect(store.damage.isEmpty)
        }
    }
}

extension StoreLimits {
    /// The same with files of a few kilobytes, copied and checkpointed all the time.
    var inSmallFiles: StoreLimits {
        var limits = self
        limits.commitLogFileByteCount = 8 << 10
        limits.segmentByteCount = 600
        limits.copyByteCount = 200
        limits.checkpointByteCount = 1_000
        limits.maximumCachedByteCount = 500
        limits.maximumOpenSegmentCount = 2
        limits.indexByteCount = 100
        limits.maintenanceIntervalMilliseconds = 5
        return limits
    }
}

extension StreamPage {
    /// The messages as texts.
    var texts: [String] { messages.map { String(decoding: bytes(of: $0), as: UTF8.self) } }
}

extension StreamStore {
    /// Appends texts as the messages of one append.
    @discardableResult
    func append(_ texts: [String], to name: String, _ options: AppendOptions = AppendOptions()) async throws
        -> AppendReceipt
    {
        var options = options
        options.messageByteCounts = texts.map(\.utf8.count)
        return try await append(texts.flatMap { Array($0.utf8) }, to: name, options)
    }

    /// All that can be read from an offset, page by page.
    func texts(_ name: String, from offset: StreamOffset = .zero, pageByteCount: Int = 1 << 20) async throws
        -> [String]
    {
        var texts: [String] = []
        var next = offset
        while true {
            let page = try await read(name, from: next, maximumByteCount: pageByteCount)
            texts += page.texts
            if page.isUpToDate { return texts }
            next = page.next
        }
    }
}
