/// Which keys of a stream are remembered: those from these on.
struct KeyLimit: Equatable, Sendable {
    var firstOrdinal: UInt64
    var firstMilliseconds: UInt64

    func keeps(ordinal: UInt64, milliseconds: UInt64) -> Bool {
        ordinal >= firstOrdinal && milliseconds >= firstMilliseconds
    }
}

/// Several runs as one, in the order of keys, each key once and as it came last; without what is not remembered any more.
struct KeyRunMerge {
    private struct Source {
        let run: KeyRun
        var records: ArraySlice<KeyRecord> = []
        var nextBlock: UInt64 = 0
    }

    /// Blocks read at once.
    private static let blockCount: UInt64 = 32
    /// Runs of one size are merged when there are so many.
    private static let runCount = 8
    /// Runs with so many records stay as they are: merging them would take long, and gain little.
    private static let maximumRecordCount = 1 << 18

    private var sources: [Source]
    private let limits: [UInt64: KeyLimit]

    init(_ runs: [KeyRun], limits: [UInt64: KeyLimit]) {
        sources = runs.map { Source(run: $0) }
        self.limits = limits
    }

    /// The runs that are to be merged now, if any.
    static func due(_ runs: [KeyRun]) -> [KeyRun] {
        let small = runs.filter { $0.recordCount < maximumRecordCount }
        let bySize = Dictionary(grouping: small) { $0.recordCount < maximumRecordCount / 32 ? 0 : 1 }
        for size in [0, 1] { if let group = bySize[size], group.count >= runCount { return group } }
        return []
    }

    /// The next record that is kept.
    mutating func next() throws -> KeyRecord? {
        while let record = try smallest() {
            guard let limit = limits[record.key.stream] else { continue }
            if limit.keeps(ordinal: record.entry.ordinal, milliseconds: record.entry.milliseconds) { return record }
        }
        return nil
    }

    private mutating func smallest() throws -> KeyRecord? {
        var found: KeyRecord?
        for index in sources.indices {
            try fill(index)
            guard let first = sources[index].records.first else { continue }
            if let best = found {
                if first.key < best.key || first.key == best.key && first.entry.ordinal > best.entry.ordinal {
                    found = first
                }
            } else {
                found = first
            }
        }
        guard let found else { return nil }
        for index in sources.indices where sources[index].records.first?.key == found.key {
            sources[index].records.removeFirst()
        }
        return found
    }

    private mutating func fill(_ index: Int) throws {
        let run = sources[index].run
        while sources[index].records.isEmpty, sources[index].nextBlock < run.header.blockCount {
            let next = sources[index].nextBlock
            let end = min(next + Self.blockCount, run.header.blockCount)
            sources[index].records = try run.records(ofBlocks: next..<end)[...]
            sources[index].nextBlock = end
        }
    }
}
