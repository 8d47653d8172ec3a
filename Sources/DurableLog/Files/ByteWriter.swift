/// Numbers and texts as bytes, little-endian, for what is written to files.
struct ByteWriter: Sendable {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) { write(UInt8(value ? 1 : 0)) }

    mutating func write(_ text: String) {
        write(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write(_ value: UInt64?) {
        write(value != nil)
        if let value { write(value) }
    }

    mutating func write(_ text: String?) {
        write(text != nil)
        if let text { write(text) }
    }
}

/// Reads what `ByteWriter` wrote, and refuses whatever is no such thing.
struct ByteReader {
    struct Malformed: Error {}

    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    mutating func read<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(Malformed) -> Number {
        guard remaining >= MemoryLayout<Number>.size else { throw Malformed() }
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Number.self)
        position += MemoryLayout<Number>.size
        return Number(littleEndian: value)
    }

    mutating func readBool() throws(Malformed) -> Bool {
        switch try read(UInt8.self) {
        case 0: false
        case 1: true
        default: throw Malformed()
        }
    }

    mutating func readBytes(_ count: Int) throws(Malformed) -> UnsafeRawBufferPointer {
        guard count >= 0, remaining >= count else { throw Malformed() }
        let range = UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
        position += count
        return range
    }

    mutating func readText() throws(Malformed) -> String {
        let count = Int(try read(UInt32.self))
        guard let text = String(validating: try readBytes(count), as: UTF8.self) else { throw Malformed() }
        return text
    }

    mutating func readOptionalNumber() throws(Malformed) -> UInt64? { try readBool() ? try read(UInt64.self) : nil }

    mutating func readOptionalText() throws(Malformed) -> String? { try readBool() ? try readText() : nil }

    /// How many things follow, each of which takes at least so many bytes.
    mutating func readCount(ofAtLeast byteCount: Int) throws(Malformed) -> Int {
        let count = Int(try read(UInt32.self))
        guard count <= remaining / byteCount else { throw Malformed() }
        return count
    }
}
