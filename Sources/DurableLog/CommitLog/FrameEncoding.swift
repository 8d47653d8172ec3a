/// The messages that go into a frame, where the caller has them.
struct FrameMessages {
    let bytes: UnsafeRawBufferPointer
    /// Empty: one message, or none when there are no bytes.
    let byteCounts: [Int]
    /// Which messages are taken, as ranges of bytes; `nil`: all.
    var kept: [Range<Int>]?

    static var none: FrameMessages {
        FrameMessages(bytes: UnsafeRawBufferPointer(start: nil, count: 0), byteCounts: [], kept: nil)
    }

    var count: Int { kept?.count ?? (byteCounts.isEmpty ? (bytes.isEmpty ? 0 : 1) : byteCounts.count) }

    var byteCount: Int { kept?.reduce(0) { $0 + $1.count } ?? bytes.count }
}

extension StoreOperation {
    /// Writes the operation behind a buffer's frames, and says how long its frame is, without the padding.
    func encode(
        _ messages: FrameMessages,
        into buffer: FrameBuffer,
        groupStart: UInt64,
        groupNumber: UInt64,
        milliseconds: UInt64
    ) -> Int {
        switch self {
        case .append(let append):
            var flags: UInt8 = append.closes ? FrameHeader.Flag.closes : 0
            guard let details = append.details else { return write(.append, flags, append.start, [], messages) }
            var metadata = ByteWriter()
            if let producer = details.producer {
                flags |= FrameHeader.Flag.hasProducer
                metadata.write(producer.id)
                metadata.write(producer.epoch)
                metadata.write(producer.sequence)
            }
            if let sequence = details.sequence {
                flags |= FrameHeader.Flag.hasSequence
                metadata.write(sequence)
            }
            if let keys = details.keys {
                flags |= FrameHeader.Flag.hasKeys
                metadata.write(keys.maximumAgeMilliseconds)
                metadata.write(keys.maximumCount)
                metadata.write(UInt32(keys.keys.count))
                for key in keys.keys {
                    metadata.write(key.high)
                    metadata.write(key.low)
                }
            }
            return write(.append, flags, append.start, metadata.bytes, messages)
        case .create(let create):
            var metadata = ByteWriter()
            create.definition.encode(into: &metadata)
            create.retention.encode(into: &metadata)
            metadata.write(create.isClosed)
            return write(.create, 0, create.definition.base, metadata.bytes, messages)
        case .delete: return write(.delete, 0, 0, [], .none)
        case .touch: return write(.touch, 0, 0, [], .none)
        case .trim(_, let position, let messageCount):
            var metadata = ByteWriter()
            metadata.write(position)
            metadata.write(messageCount)
            return write(.trim, 0, 0, metadata.bytes, .none)
        case .cursor(_, let name, let position):
            var metadata = ByteWriter()
            metadata.write(name)
            metadata.write(position)
            return write(.cursor, 0, 0, metadata.bytes, .none)
        case .retention(_, let policy):
            var metadata = ByteWriter()
            policy.encode(into: &metadata)
            return write(.retention, 0, 0, metadata.bytes, .none)
        }

        func write(
            _ kind: FrameHeader.Kind,
            _ flags: UInt8,
            _ position: UInt64,
            _ metadata: [UInt8],
            _ messages: FrameMessages
        ) -> Int {
            let count = messages.count
            let length = FrameHeader.byteCount + 8 + metadata.count + 4 * count + messages.byteCount
            let start = buffer.count
            let padded = FrameHeader.padded(length)
            let frame = buffer.extend(by: padded)
            FrameHeader(
                length: UInt32(length),
                kind: kind,
                flags: flags,
                logPosition: groupStart + UInt64(start),
                groupStart: groupStart,
                groupNumber: groupNumber,
                stream: stream,
                streamPosition: position,
                milliseconds: milliseconds
            ).store(to: frame)
            frame.storeBytes(of: UInt32(metadata.count).littleEndian, toByteOffset: 64, as: UInt32.self)
            frame.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 68, as: UInt32.self)
            var at = 72
            if !metadata.isEmpty {
                metadata.withUnsafeBytes { bytes in
                    if let base = bytes.baseAddress { (frame + at).copyMemory(from: base, byteCount: bytes.count) }
                }
                at += metadata.count
            }
            messages.write(to: frame + at)
            if padded > length {
                (frame + length).initializeMemory(as: UInt8.self, repeating: 0, count: padded - length)
            }
            let covered = UnsafeRawBufferPointer(
                start: frame + FrameHeader.checksumStart,
                count: length - FrameHeader.checksumStart
            )
            frame.storeBytes(of: Checksum.crc32c(covered).littleEndian, toByteOffset: 4, as: UInt32.self)
            return length
        }
    }
}

extension FrameMessages {
    fileprivate func write(to start: UnsafeMutableRawPointer) {
        var at = start
        func writeCount(_ count: Int) {
            at.storeBytes(of: UInt32(count).littleEndian, as: UInt32.self)
            at += 4
        }
        func copy(_ range: Range<Int>) {
            guard let base = bytes.baseAddress, !range.isEmpty else { return }
            at.copyMemory(from: base + range.lowerBound, byteCount: range.count)
            at += range.count
        }
        if let kept {
            for range in kept { writeCount(range.count) }
            for range in kept { copy(range) }
        } else {
            if byteCounts.isEmpty {
                if !bytes.isEmpty { writeCount(bytes.count) }
            } else {
                for count in byteCounts { writeCount(count) }
            }
            copy(0..<bytes.count)
        }
    }
}
