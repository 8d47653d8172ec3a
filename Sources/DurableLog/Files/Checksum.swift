import CStorage

/// CRC-32C (Castagnoli): by the processor's instruction where it has one, else by table.
enum Checksum {
    private static let hasInstruction = storage_has_crc32c() != 0

    /// The checksum of bytes; of several pieces, by passing on what came of the one before.
    static func crc32c(_ bytes: UnsafeRawBufferPointer, continuing before: UInt32 = 0) -> UInt32 {
        guard hasInstruction, let base = bytes.baseAddress else { return byTable(bytes, continuing: before) }
        return ~storage_crc32c(~before, base, bytes.count)
    }

    /// The same without the instruction.
    static func byTable(_ bytes: UnsafeRawBufferPointer, continuing before: UInt32 = 0) -> UInt32 {
        var state = ~before
        for byte in bytes { state = (state >> 8) ^ table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] }
        return ~state
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
        return value
    }
}
