/// The header of a commit-log file: where in the log it lies, and where the frames of the file before it ended.
enum CommitLogFile {
    static let headerByteCount = 4096
    static let magic: UInt32 = 0x474F_4C44  // "DLOG"
    static let version: UInt32 = 1

    static func header(_ range: LogFileRange) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(magic)
        writer.write(version)
        writer.write(range.base)
        writer.write(range.byteCount)
        writer.write(range.previousEnd)
        let checksum = writer.bytes.withUnsafeBytes { Checksum.crc32c($0) }
        writer.write(checksum)
        return writer.bytes + [UInt8](repeating: 0, count: headerByteCount - writer.bytes.count)
    }

    /// What the header says; `nil` when it is damaged.
    static func range(_ header: [UInt8]) -> LogFileRange? {
        header.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard bytes.count >= 36, (try? reader.read(UInt32.self)) == magic,
                (try? reader.read(UInt32.self)) == version,
                let base = try? reader.read(UInt64.self), let byteCount = try? reader.read(UInt64.self),
                let previousEnd = try? reader.read(UInt64.self), let checksum = try? reader.read(UInt32.self),
                checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[0..<32]))
            else { return nil }
            return LogFileRange(base: base, byteCount: byteCount, previousEnd: previousEnd)
        }
    }
}

/// Where a file of the log lies in the log.
struct LogFileRange: Equatable, Sendable {
    /// The log position of the file's first byte.
    var base: UInt64
    var byteCount: UInt64
    /// The log position behind the last frame of the file before.
    var previousEnd: UInt64

    var firstFrame: UInt64 { base + UInt64(CommitLogFile.headerByteCount) }
    var end: UInt64 { base &+ byteCount }
}
