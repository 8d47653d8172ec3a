/// The first 64 bytes of a frame. FORMAT.md has the table.
struct FrameHeader: Equatable, Sendable {
    static let byteCount = 64
    static let alignment = 8
    static let magic: UInt32 = 0x3146_4C44  // "DLF1"
    /// Where what the checksum covers begins.
    static let checksumStart = 8

    enum Kind: UInt8, Sendable {
        case append = 1
        case create = 2
        case delete = 3
        case touch = 4
        case trim = 5
        case cursor = 6
        case retention = 7
    }

    enum Flag {
        static let closes: UInt8 = 1
        static let hasProducer: UInt8 = 2
        static let hasSequence: UInt8 = 4
        static let hasKeys: UInt8 = 8
    }

    /// Header and body, without what pads it to a multiple of eight.
    var length: UInt32
    var kind: Kind
    var flags: UInt8
    /// Where the frame begins in the log, counted over all of its files; so what a recycled file still holds never counts.
    var logPosition: UInt64
    /// Where the group begins that it was written with. A group is written only when all before it are durable: so a
    /// later group proves that what is damaged before it had been acknowledged.
    var groupStart: UInt64
    /// Grows with each group, also with refused ones: so what is left of a refused group never counts.
    var groupNumber: UInt64
    var stream: UInt64
    /// Where the stream ended before; of a creation, where its own data begins.
    var streamPosition: UInt64
    var milliseconds: UInt64

    var paddedLength: Int { Self.padded(Int(length)) }

    static func padded(_ length: Int) -> Int { (length + alignment - 1) & ~(alignment - 1) }

    func store(to base: UnsafeMutableRawPointer) {
        base.storeBytes(of: Self.magic.littleEndian, as: UInt32.self)
        base.storeBytes(of: length.littleEndian, toByteOffset: 8, as: UInt32.self)
        base.storeBytes(of: kind.rawValue, toByteOffset: 12, as: UInt8.self)
        base.storeBytes(of: flags, toByteOffset: 13, as: UInt8.self)
        base.storeBytes(of: 0, toByteOffset: 14, as: UInt16.self)
        base.storeBytes(of: logPosition.littleEndian, toByteOffset: 16, as: UInt64.self)
        base.storeBytes(of: groupStart.littleEndian, toByteOffset: 24, as: UInt64.self)
        base.storeBytes(of: groupNumber.littleEndian, toByteOffset: 32, as: UInt64.self)
        base.storeBytes(of: stream.littleEndian, toByteOffset: 40, as: UInt64.self)
        base.storeBytes(of: streamPosition.littleEndian, toByteOffset: 48, as: UInt64.self)
        base.storeBytes(of: milliseconds.littleEndian, toByteOffset: 56, as: UInt64.self)
    }

    /// The header at the start of bytes; `nil` when they begin no frame.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount,
            UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)) == Self.magic,
            let kind = Kind(rawValue: bytes[12])
        else { return nil }
        func number(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        self.kind = kind
        flags = bytes[13]
        logPosition = number(16)
        groupStart = number(24)
        groupNumber = number(32)
        stream = number(40)
        streamPosition = number(48)
        milliseconds = number(56)
        guard Int(length) >= Self.byteCount + 8 else { return nil }
    }

    init(
        length: UInt32,
        kind: Kind,
        flags: UInt8,
        logPosition: UInt64,
        groupStart: UInt64,
        groupNumber: UInt64,
        stream: UInt64,
        streamPosition: UInt64,
        milliseconds: UInt64
    ) {
        self.length = length
        self.kind = kind
        self.flags = flags
        self.logPosition = logPosition
        self.groupStart = groupStart
        self.groupNumber = groupNumber
        self.stream = stream
        self.streamPosition = streamPosition
        self.milliseconds = milliseconds
    }
}
