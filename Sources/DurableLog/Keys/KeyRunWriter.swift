/// Writes a run: records in the order of their keys, each key once.
struct KeyRunWriter {
    private static let pieceByteCount = 1 << 20

    private let number: UInt64
    private let path: String
    private let file: any StorageFile
    private let blocksStart: UInt64
    private let maximumStreamCount: Int
    private var offset: UInt64
    private var filter: KeyFilter
    private var streams: [KeyRun.StreamPart] = []
    private var records: [KeyRecord] = []
    private var bytes: [UInt8] = []
    private var recordCount = 0

    /// `capacity` and `maximumStreamCount`: no more records, and of no more streams, will come.
    init(
        number: UInt64,
        path: String,
        capacity: Int,
        maximumStreamCount: Int,
        seed: UInt64,
        _ files: any FileSystem
    ) throws(FileFailure) {
        self.number = number
        self.path = path
        self.maximumStreamCount = maximumStreamCount
        filter = KeyFilter(capacity: capacity, seed: seed)
        file = try files.open(path, .create)
        // Where the blocks begin is known before they are written; what the tables do not fill is zero.
        blocksStart = Self.header(number, 0, filter, maximumStreamCount, []).blocksStart
        offset = blocksStart
        records.reserveCapacity(KeyRunFormat.recordsPerBlock)
    }

    mutating func add(_ record: KeyRecord) throws(FileFailure) {
        filter.insert(record.key)
        if let last = streams.indices.last, streams[last].stream == record.key.stream {
            streams[last].ordinal = max(streams[last].ordinal, record.entry.ordinal)
            streams[last].milliseconds = max(streams[last].milliseconds, record.entry.milliseconds)
        } else {
            streams.append(
                KeyRun.StreamPart(
                    stream: record.key.stream,
                    ordinal: record.entry.ordinal,
                    milliseconds: record.entry.milliseconds
                )
            )
        }
        recordCount += 1
        records.append(record)
        if records.count == KeyRunFormat.recordsPerBlock { try endBlock() }
    }

    private mutating func endBlock() throws(FileFailure) {
        bytes += KeyRunFormat.block(records[...])
        records.removeAll(keepingCapacity: true)
        if bytes.count >= Self.pieceByteCount { try write() }
    }

    private mutating func write() throws(FileFailure) {
        try file.write(bytes, at: offset)
        offset += UInt64(bytes.count)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Makes the run durable but for its name; `nil` when nothing was added.
    mutating func finish() throws(FileFailure) -> KeyRun? {
        guard recordCount > 0 else { return nil }
        if !records.isEmpty { try endBlock() }
        try write()
        // A stream that does not exist, so that the table has its length.
        let none = KeyRun.StreamPart(stream: 0, ordinal: 0, milliseconds: 0)
        let table = streams + [KeyRun.StreamPart](repeating: none, count: maximumStreamCount - streams.count)
        var tables = ByteWriter()
        for part in table { for number in [part.stream, part.ordinal, part.milliseconds] { tables.write(number) } }
        for word in filter.words { tables.write(word) }
        let header = Self.header(number, recordCount, filter, maximumStreamCount, tables.bytes)
        try file.write(header.encoded + tables.bytes, at: 0)
        try file.synchronize()
        return KeyRun(header, streams, filter, path, file)
    }

    private static func header(
        _ number: UInt64,
        _ recordCount: Int,
        _ filter: KeyFilter,
        _ streamCount: Int,
        _ tables: [UInt8]
    ) -> KeyRunFormat.Header {
        KeyRunFormat.Header(
            number: number,
            recordCount: UInt64(recordCount),
            seed: filter.seed,
            streamCount: UInt64(streamCount),
            filterWordCount: UInt64(filter.words.count),
            tablesChecksum: tables.withUnsafeBytes { Checksum.crc32c($0) }
        )
    }
}
