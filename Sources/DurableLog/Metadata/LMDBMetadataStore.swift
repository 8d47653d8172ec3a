import CLMDB

/// The metadata in LMDB.
final class LMDBMetadataStore: MetadataStore {
    private let environment: LMDBEnvironment
    private let path: String

    init(path: String, isReadOnly: Bool = false) throws(MetadataFailure) {
        self.path = path
        if let damage = try LMDBFileCheck.damage(path: path + "/data.mdb") {
            throw MetadataFailure(description: "\(path)/data.mdb: \(damage)", isDamage: true)
        }
        environment = try LMDBEnvironment(path: path, isReadOnly: isReadOnly)
    }

    private static let markKey = Array("mark".utf8)
    private static let keyRunsKey = Array("keyRuns".utf8)

    /// Numbers as a key that sorts as they do.
    static func key(_ numbers: UInt64...) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers { withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    private func failing<Value>(_ body: () throws -> Value) throws(MetadataFailure) -> Value {
        do {
            return try body()
        } catch let failure as MetadataFailure {
            var failure = failure
            failure.description = "\(path): \(failure.description)"
            throw failure
        } catch {
            throw MetadataFailure(description: "\(path): a record is damaged", isDamage: true)
        }
    }

    func load() throws(MetadataFailure) -> LoadedMetadata? {
        try failing {
            try environment.read { transaction in
                let mark = try transaction.value(.main, Self.markKey) { reader in
                    CheckpointMark(
                        position: try reader.read(),
                        groupNumber: try reader.read(),
                        nextStream: try reader.read()
                    )
                }
                guard let mark else { return nil }
                var loaded = LoadedMetadata(mark: mark, streams: [], segments: [], keyRuns: [])
                try transaction.each(.streams) { record in
                    if case .whole(_, let value) = record {
                        var reader = ByteReader(value)
                        if let state = try? StreamState(from: &reader) {
                            loaded.streams.append(state)
                            return true
                        }
                    }
                    loaded.damagedCount += 1
                    return true
                }
                try transaction.each(.segments) { record in
                    if case .whole(_, let value) = record {
                        var reader = ByteReader(value)
                        if let segment = try? SegmentRecord(from: &reader) {
                            loaded.segments.append(segment)
                            return true
                        }
                    }
                    loaded.damagedCount += 1
                    return true
                }
                loaded.keyRuns =
                    try transaction.value(.main, Self.keyRunsKey) { reader in
                        try (0..<(try reader.readCount(ofAtLeast: 8))).map { _ in try reader.read(UInt64.self) }
                    } ?? []
                return loaded
            }
        }
    }

    func commit(_ changes: MetadataChanges) throws(MetadataFailure) {
        try failing {
            try environment.write { transaction in
                for stream in changes.removedStreams { try remove(stream, transaction) }
                for state in changes.streams {
                    try transaction.put(.streams, Self.key(state.definition.id), state.encoded())
                }
                for segment in changes.removedSegments {
                    try transaction.remove(.segments, Self.key(segment.stream, segment.base))
                    try removeAll(.index, Self.key(segment.stream, segment.base), transaction)
                }
                for segment in changes.segments {
                    try transaction.put(.segments, Self.key(segment.stream, segment.base), segment.encoded())
                }
                for entry in changes.index {
                    var writer = ByteWriter()
                    writer.write(entry.offset)
                    try transaction.put(
                        .index,
                        Self.key(entry.segment.stream, entry.segment.base, entry.position),
                        writer.bytes
                    )
                }
                var runs = ByteWriter()
                runs.write(UInt32(changes.keyRuns.count))
                for number in changes.keyRuns { runs.write(number) }
                try transaction.put(.main, Self.keyRunsKey, runs.bytes)
                var writer = ByteWriter()
                writer.write(changes.mark.position)
                writer.write(changes.mark.groupNumber)
                writer.write(changes.mark.nextStream)
                try transaction.put(.main, Self.markKey, writer.bytes)
            }
        }
    }

    private func remove(_ stream: UInt64, _ transaction: LMDBTransaction) throws {
        try transaction.remove(.streams, Self.key(stream))
        for database in [LMDBEnvironment.Database.segments, .index] {
            try removeAll(database, Self.key(stream), transaction)
        }
    }

    private func removeAll(
        _ database: LMDBEnvironment.Database,
        _ prefix: [UInt8],
        _ transaction: LMDBTransaction
    ) throws {
        var keys: [[UInt8]] = []
        try transaction.each(database, from: prefix) { record in
            let key =
                switch record {
                case .whole(let key, _), .damaged(let key): key
                }
            guard key.starts(with: prefix) else { return false }
            keys.append(key)
            return true
        }
        for key in keys { try transaction.remove(database, key) }
    }

    func indexedOffset(_ segment: SegmentKey, atOrBefore position: UInt64) -> UInt64? {
        let prefix = Self.key(segment.stream, segment.base)
        var offset: UInt64?
        // Without an entry that can be read, the segment is read from its beginning.
        try? environment.read { transaction in
            try transaction.last(.index, atOrBefore: Self.key(segment.stream, segment.base, position)) { record in
                guard case .whole(let key, let value) = record, key.starts(with: prefix) else { return }
                var reader = ByteReader(value)
                offset = try reader.read(UInt64.self)
            }
        }
        return offset
    }

    func close() { environment.close() }
}
