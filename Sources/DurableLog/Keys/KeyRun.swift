/// A file of sorted keys that never changes. Its filter is in memory; its records are read when the filter says so.
final class KeyRun: Sendable {
    /// The keys that a run has of a stream.
    struct StreamPart: Equatable, Sendable {
        let stream: UInt64
        /// Of the newest.
        var ordinal: UInt64
        var milliseconds: UInt64
    }

    let header: KeyRunFormat.Header
    let streams: [StreamPart]
    let path: String
    private let filter: KeyFilter
    private let file: any StorageFile

    var number: UInt64 { header.number }
    var recordCount: Int { Int(header.recordCount) }

    init(
        _ header: KeyRunFormat.Header,
        _ streams: [StreamPart],
        _ filter: KeyFilter,
        _ path: String,
        _ file: any StorageFile
    ) {
        self.header = header
        self.streams = streams
        self.filter = filter
        self.path = path
        self.file = file
    }

    struct Damaged: Error {
        let byteRange: Range<UInt64>
        let bytes: [UInt8]
    }

    /// Opens a run that was written: its header and tables are read, its blocks when they are needed.
    init(path: String, _ files: any FileSystem) throws {
        file = try files.open(path, .read)
        let start = try file.bytes(at: 0, count: KeyRunFormat.headerByteCount)
        guard let header = KeyRunFormat.Header.decoded(start), try file.byteCount() >= header.byteCount else {
            throw Damaged(byteRange: 0..<UInt64(KeyRunFormat.headerByteCount), bytes: start)
        }
        let tables = try file.bytes(at: UInt64(KeyRunFormat.headerByteCount), count: Int(header.tablesByteCount))
        let read = tables.withUnsafeBytes { bytes -> ([StreamPart], KeyFilter)? in
            guard Checksum.crc32c(bytes) == header.tablesChecksum else { return nil }
            var reader = ByteReader(bytes)
            let streams = try? (0..<header.streamCount).map { _ in
                StreamPart(stream: try reader.read(), ordinal: try reader.read(), milliseconds: try reader.read())
            }
            let words = try? (0..<header.filterWordCount).map { _ in try reader.read(UInt64.self) }
            guard let streams, let words, let filter = KeyFilter(words: words, seed: header.seed) else { return nil }
            return (streams, filter)
        }
        guard let read else {
            throw Damaged(byteRange: UInt64(KeyRunFormat.headerByteCount)..<header.blocksStart, bytes: [])
        }
        self.header = header
        (streams, filter) = read
        self.path = path
    }

    /// What is remembered of a key.
    func entry(of key: StreamKey) throws -> KeyEntry? {
        guard filter.contains(key) else { return nil }
        var (low, high) = (UInt64(0), header.blockCount)
        // The last block that begins with the key or one before it.
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if try firstKey(ofBlock: middle) <= key { low = middle } else { high = middle }
        }
        return try records(ofBlock: low).first { $0.key == key }?.entry
    }

    private func firstKey(ofBlock block: UInt64) throws -> StreamKey {
        let bytes = try file.bytes(at: start(ofBlock: block) + 8, count: 24)
        return try bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return StreamKey(
                stream: try reader.read(),
                key: MessageKey(high: try reader.read(), low: try reader.read())
            )
        }
    }

    private func start(ofBlock block: UInt64) -> UInt64 {
        header.blocksStart + block * UInt64(KeyRunFormat.blockByteCount)
    }

    /// All records of a block.
    func records(ofBlock block: UInt64) throws -> [KeyRecord] {
        try records(ofBlocks: block..<block + 1)
    }

    /// All records of some blocks that follow one another.
    func records(ofBlocks blocks: Range<UInt64>) throws -> [KeyRecord] {
        let size = KeyRunFormat.blockByteCount
        let bytes = try file.bytes(at: start(ofBlock: blocks.lowerBound), count: blocks.count * size)
        return try bytes.withUnsafeBytes { bytes in
            try blocks.enumerated().flatMap { place, block in
                let range = min(place * size, bytes.count)..<min((place + 1) * size, bytes.count)
                let part = UnsafeRawBufferPointer(rebasing: bytes[range])
                guard let records = KeyRunFormat.records(part) else {
                    let start = start(ofBlock: block)
                    throw Damaged(byteRange: start..<start + UInt64(size), bytes: Array(part))
                }
                return records
            }
        }
    }
}
