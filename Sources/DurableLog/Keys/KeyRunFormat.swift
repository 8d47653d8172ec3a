/// How a run of keys lies in its file: header, streams, filter, then blocks of sorted records, each with its checksum.
enum KeyRunFormat {
    static let magic: UInt32 = 0x314B_4C44  // "DLK1"
    static let version: UInt32 = 1
    static let headerByteCount = 64
    static let blockByteCount = 4096
    static let recordByteCount = 48
    static let recordsPerBlock = (blockByteCount - 8) / recordByteCount

    struct Header: Equatable {
        var number: UInt64
        var recordCount: UInt64
        var seed: UInt64
        var streamCount: UInt64
        var filterWordCount: UInt64
        /// Of streams and filter.
        var tablesChecksum: UInt32

        var tablesByteCount: UInt64 { streamCount * 24 + filterWordCount * 8 }
        var blocksStart: UInt64 {
            let end = UInt64(KeyRunFormat.headerByteCount) + tablesByteCount
            return (end + UInt64(blockByteCount) - 1) / UInt64(blockByteCount) * UInt64(blockByteCount)
        }
        var blockCount: UInt64 { (recordCount + UInt64(recordsPerBlock) - 1) / UInt64(recordsPerBlock) }
        var byteCount: UInt64 { blocksStart + blockCount * UInt64(blockByteCount) }

        var encoded: [UInt8] {
            var writer = ByteWriter()
            writer.write(magic)
            writer.write(version)
            for number in [number, recordCount, seed, streamCount, filterWordCount] { writer.write(number) }
            writer.write(tablesChecksum)
            writer.write(writer.bytes.withUnsafeBytes { Checksum.crc32c($0) })
            return writer.bytes + [UInt8](repeating: 0, count: headerByteCount - writer.bytes.count)
        }

        /// `nil` when the bytes are no header.
        static func decoded(_ bytes: [UInt8]) -> Header? {
            bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                guard bytes.count == headerByteCount, (try? reader.read(UInt32.self)) == magic,
                    (try? reader.read(UInt32.self)) == version, let number = try? reader.read(UInt64.self),
                    let recordCount = try? reader.read(UInt64.self), let seed = try? reader.read(UInt64.self),
                    let streamCount = try? reader.read(UInt64.self),
                    let filterWordCount = try? reader.read(UInt64.self),
                    let tablesChecksum = try? reader.read(UInt32.self),
                    let checksum = try? reader.read(UInt32.self),
                    checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<52])),
                    max(recordCount, streamCount, filterWordCount) < 1 << 40
                else { return nil }
                return Header(
                    number: number,
                    recordCount: recordCount,
                    seed: seed,
                    streamCount: streamCount,
                    filterWordCount: filterWordCount,
                    tablesChecksum: tablesChecksum
                )
            }
        }
    }

    /// A block of records, in their order.
    static func block(_ records: ArraySlice<KeyRecord>) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockByteCount)
        block.withUnsafeMutableBytes { bytes in
            var at = 8
            func write(_ number: UInt64) {
                bytes.storeBytes(of: number.littleEndian, toByteOffset: at, as: UInt64.self)
                at += 8
            }
            bytes.storeBytes(of: UInt32(records.count).littleEndian, toByteOffset: 4, as: UInt32.self)
            for record in records {
                write(record.key.stream)
                write(record.key.key.high)
                write(record.key.key.low)
                write(record.entry.ordinal)
                write(record.entry.milliseconds)
                write(record.entry.end)
            }
            let checksum = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[4...]))
            bytes.storeBytes(of: checksum.littleEndian, as: UInt32.self)
        }
        return block
    }

    /// The records of a block; `nil` when it is damaged.
    static func records(_ block: UnsafeRawBufferPointer) -> [KeyRecord]? {
        var reader = ByteReader(block)
        guard block.count == blockByteCount, let checksum = try? reader.read(UInt32.self),
            checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: block[4...])),
            let count = try? reader.read(UInt32.self), count <= recordsPerBlock
        else { return nil }
        return try? (0..<count).map { _ in
            KeyRecord(
                key: StreamKey(
                    stream: try reader.read(),
                    key: MessageKey(high: try reader.read(), low: try reader.read())
                ),
                entry: KeyEntry(
                    ordinal: try reader.read(),
                    milliseconds: try reader.read(),
                    end: try reader.read()
                )
            )
        }
    }
}

extension StreamKey: Comparable {
    static func < (one: StreamKey, other: StreamKey) -> Bool {
        (one.stream, one.key.high, one.key.low) < (other.stream, other.key.high, other.key.low)
    }
}
