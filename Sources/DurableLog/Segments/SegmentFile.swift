/// What a segment file begins with: whose it is, so that a store can be rebuilt from segments alone.
enum SegmentFile {
    static let magic: UInt32 = 0x3153_4C44  // "DLS1"
    static let version: UInt32 = 1

    struct Header: Equatable {
        var definition: StreamDefinition
        var base: UInt64
        var messagesBefore: UInt64
        /// Where the first frame is.
        var byteCount: Int
    }

    static func header(_ definition: StreamDefinition, base: UInt64, messagesBefore: UInt64) -> [UInt8] {
        var content = ByteWriter()
        content.write(base)
        content.write(messagesBefore)
        definition.encode(into: &content)
        let length = FrameHeader.padded(16 + content.bytes.count)
        var checked = ByteWriter()
        checked.write(version)
        checked.write(UInt32(length))
        let covered =
            checked.bytes + content.bytes + [UInt8](repeating: 0, count: length - 16 - content.bytes.count)
        var writer = ByteWriter()
        writer.write(magic)
        writer.write(UInt32(0))
        var bytes = writer.bytes + covered
        let checksum = covered.withUnsafeBytes { Checksum.crc32c($0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(4..<8, with: $0) }
        return bytes
    }

    /// What the header says; `nil` when it is damaged.
    static func header(_ bytes: UnsafeRawBufferPointer) -> Header? {
        var reader = ByteReader(bytes)
        guard (try? reader.read(UInt32.self)) == magic, let checksum = try? reader.read(UInt32.self),
            (try? reader.read(UInt32.self)) == version, let length = try? reader.read(UInt32.self),
            length >= 16, Int(length) <= bytes.count,
            checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[8..<Int(length)])),
            let base = try? reader.read(UInt64.self), let messagesBefore = try? reader.read(UInt64.self),
            let definition = try? StreamDefinition(from: &reader)
        else { return nil }
        return Header(definition: definition, base: base, messagesBefore: messagesBefore, byteCount: Int(length))
    }

    /// The frame at an offset, if it is whole and of the stream.
    static func frame(_ bytes: UnsafeRawBufferPointer, at offset: Int, of stream: UInt64) -> FrameView? {
        guard offset >= 0, offset + FrameHeader.byteCount <= bytes.count,
            let frame = FrameView(checking: UnsafeRawBufferPointer(rebasing: bytes[offset...])),
            frame.header.stream == stream, frame.header.kind == .append || frame.header.kind == .create,
            frame.hasConsistentMessages
        else { return nil }
        return frame
    }

    /// Where the next whole frame of the stream begins, behind a damaged place.
    static func nextFrame(_ bytes: UnsafeRawBufferPointer, after offset: Int, of stream: UInt64, from position: UInt64)
        -> Int?
    {
        var at = (offset + FrameHeader.alignment) & ~(FrameHeader.alignment - 1)
        while at + FrameHeader.byteCount <= bytes.count {
            if bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self) == FrameHeader.magic.littleEndian,
                let frame = frame(bytes, at: at, of: stream), frame.header.streamPosition >= position
            {
                return at
            }
            at += FrameHeader.alignment
        }
        return nil
    }
}
