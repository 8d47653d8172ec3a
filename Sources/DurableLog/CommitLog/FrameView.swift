/// A frame where it lies, found whole.
///
/// The bytes must outlive it.
struct FrameView {
    let header: FrameHeader
    /// Header and body.
    let bytes: UnsafeRawBufferPointer
    let messageCount: Int
    private let lengthsStart: Int
    let messagesStart: Int

    /// The frame at the start of bytes, if it is whole and its checksum right.
    init?(checking bytes: UnsafeRawBufferPointer) {
        guard let header = FrameHeader(bytes), Int(header.length) <= bytes.count else { return nil }
        let frame = UnsafeRawBufferPointer(rebasing: bytes[0..<Int(header.length)])
        let checksum = UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let covered = UnsafeRawBufferPointer(rebasing: frame[FrameHeader.checksumStart...])
        guard checksum == Checksum.crc32c(covered) else { return nil }
        self.init(trusting: frame, header)
    }

    /// The frame at the start of bytes that were checked before, or written by this process.
    init?(trusting bytes: UnsafeRawBufferPointer) {
        guard let header = FrameHeader(bytes), Int(header.length) <= bytes.count else { return nil }
        self.init(trusting: UnsafeRawBufferPointer(rebasing: bytes[0..<Int(header.length)]), header)
    }

    private init?(trusting frame: UnsafeRawBufferPointer, _ header: FrameHeader) {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: frame[FrameHeader.byteCount...]))
        guard let metadataCount = try? reader.read(UInt32.self), let messageCount = try? reader.read(UInt32.self) else {
            return nil
        }
        lengthsStart = FrameHeader.byteCount + 8 + Int(metadataCount)
        messagesStart = lengthsStart + 4 * Int(messageCount)
        guard messagesStart <= frame.count else { return nil }
        self.header = header
        self.bytes = frame
        self.messageCount = Int(messageCount)
    }

    func messageByteCount(_ index: Int) -> Int {
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: lengthsStart + 4 * index, as: UInt32.self)))
    }

    /// The bytes of all messages.
    var messageBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[messagesStart...]) }

    /// Where the stream ends after it.
    var streamEnd: UInt64 { header.streamPosition + UInt64(bytes.count - messagesStart) + UInt64(messageCount) }

    /// Whether the byte counts of the messages are those of the bytes.
    var hasConsistentMessages: Bool {
        var total = 0
        for index in 0..<messageCount { total += messageByteCount(index) }
        return total == bytes.count - messagesStart
            && header.streamPosition <= StreamOffset.maximumValue && streamEnd <= StreamOffset.maximumValue
    }

    /// What the frame says.
    func operation() throws(ByteReader.Malformed) -> StoreOperation {
        let metadata = FrameHeader.byteCount + 8
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[metadata..<lengthsStart]))
        guard hasConsistentMessages else { throw ByteReader.Malformed() }
        let byteCount = UInt64(bytes.count - messagesStart)
        switch header.kind {
        case .append:
            return .append(try append(from: &reader, byteCount))
        case .create:
            let definition = try StreamDefinition(from: &reader)
            let create = CreateOperation(
                definition: definition,
                retention: try RetentionPolicy(from: &reader),
                byteCount: byteCount,
                messageCount: UInt32(messageCount),
                isClosed: try reader.readBool()
            )
            guard definition.id == header.stream, definition.base == header.streamPosition else {
                throw ByteReader.Malformed()
            }
            return .create(create)
        case .delete: return .delete(stream: header.stream)
        case .touch: return .touch(stream: header.stream, milliseconds: header.milliseconds)
        case .trim: return .trim(stream: header.stream, position: try reader.read(), messageCount: try reader.read())
        case .cursor:
            return .cursor(
                stream: header.stream,
                name: try reader.readText(),
                position: try reader.readOptionalNumber()
            )
        case .retention: return .retention(stream: header.stream, try RetentionPolicy(from: &reader))
        }
    }

    private func append(from reader: inout ByteReader, _ byteCount: UInt64) throws(ByteReader.Malformed)
        -> AppendOperation
    {
        var (producer, sequence, given): (ProducerTuple?, String?, MessageKeys?)
        if header.flags & FrameHeader.Flag.hasProducer != 0 {
            producer = ProducerTuple(
                id: try reader.readText(),
                epoch: try reader.read(),
                sequence: try reader.read()
            )
        }
        if header.flags & FrameHeader.Flag.hasSequence != 0 { sequence = try reader.readText() }
        if header.flags & FrameHeader.Flag.hasKeys != 0 {
            let age = try reader.read(UInt64.self)
            let count = try reader.read(UInt64.self)
            var keys: [MessageKey] = []
            for _ in 0..<(try reader.readCount(ofAtLeast: 16)) {
                keys.append(MessageKey(high: try reader.read(), low: try reader.read()))
            }
            guard keys.count == messageCount else { throw ByteReader.Malformed() }
            given = MessageKeys(keys, maximumAgeMilliseconds: age, maximumCount: count)
        }
        return AppendOperation(
            stream: header.stream,
            start: header.streamPosition,
            byteCount: byteCount,
            messageCount: UInt32(messageCount),
            closes: header.flags & FrameHeader.Flag.closes != 0,
            milliseconds: header.milliseconds,
            producer: producer,
            sequence: sequence,
            keys: given
        )
    }
}
