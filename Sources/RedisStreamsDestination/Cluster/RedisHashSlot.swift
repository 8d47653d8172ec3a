/// Which of a cluster's 16 384 slots a key is in.
///
/// Related documentation: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
enum RedisHashSlot {
    /// How many slots there are.
    static let count = 16_384

    /// The slot of a key: of what stands between the first `{` and the next `}`, if that is not empty, else of all.
    static func slot(of key: String) -> Int {
        var bytes = Array(key.utf8)[...]
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")),
            let close = bytes[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            bytes = bytes[(open + 1)..<close]
        }
        return Int(checksum(bytes)) % count
    }

    /// CRC-16/XMODEM: polynomial 0x1021, begins with 0.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var checksum: UInt16 = 0
        for byte in bytes {
            checksum = checksum << 8 ^ table[Int(UInt8(truncatingIfNeeded: checksum >> 8) ^ byte)]
        }
        return checksum
    }

    private static let table: [UInt16] = (0..<256).map { index in
        var value = UInt16(index) << 8
        for _ in 0..<8 {
            value = value & 0x8000 == 0 ? value << 1 : value << 1 ^ 0x1021
        }
        return value
    }
}
