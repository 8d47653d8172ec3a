/// Runs of bytes, looked at eight at a time.
package enum ByteText {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// Whether both runs hold the same bytes.
    @inline(__always)
    package static func areEqual(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        let count = left.count
        guard count == right.count else { return false }
        guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return true }
        var offset = 0
        while offset + 8 <= count {
            if word(left + offset) != word(right + offset) { return false }
            offset += 8
        }
        while offset < count {
            if left[offset] != right[offset] { return false }
            offset += 1
        }
        return true
    }

    /// Whether the run is ASCII without control characters, quotes and backslashes: text that is the same in JSON.
    package static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return firstSpecial(in: base, from: 0, to: bytes.count, findsWideBytes: true) == bytes.count
    }

    /// Whether the run is that text.
    package static func equals(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        text.withUTF8Buffer { areEqual(bytes, $0) }
    }

    /// Appends a number that is not negative in decimal digits.
    package static func append(_ number: Int, to text: inout ByteWriter) {
        if number >= 10 { append(number / 10, to: &text) }
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Whether the letters `null` stand somewhere in the run.
    static func containsNull(_ bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
        var position = 0
        // Two l in a row are rare; the pairs of eight bytes are seven, so the last byte is looked at again.
        while position + 8 <= count {
            let other = word(bytes + position) ^ (ones &* UInt64(UInt8(ascii: "l")))
            // A byte's high bit is set if it is an l; borrows may mark the byte after one as well, which costs a look.
            let found = (other &- ones) & ~other & highBits
            if found & found >> 8 != 0, endsNull(bytes, from: position, to: position + 8) { return true }
            position += 7
        }
        return endsNull(bytes, from: position, to: count)
    }

    /// Whether `null` stands somewhere with its last two letters in the range.
    private static func endsNull(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
        for position in stride(from: max(start, 2), to: end - 1, by: 1)
        where bytes[position] == UInt8(ascii: "l") && bytes[position + 1] == UInt8(ascii: "l")
            && bytes[position - 1] == UInt8(ascii: "u") && bytes[position - 2] == UInt8(ascii: "n")
        {
            return true
        }
        return false
    }

    /// The offset of the first byte that a JSON string must escape (a control character, a quote or a backslash), or
    /// `count` if there is none.
    ///
    /// With `findsWideBytes`, also of the first byte that is not ASCII.
    @inline(__always)
    static func firstSpecial(
        in bytes: UnsafePointer<UInt8>,
        from start: Int,
        to count: Int,
        findsWideBytes: Bool
    ) -> Int {
        var position = start
        while position + 8 <= count {
            let word = word(bytes + position)
            // A byte's high bit is set below if it is a control character, a quote, a backslash or not ASCII.
            let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
            var found = (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
            // Subtraction borrows upwards only, so the lowest marked byte is always a true one.
            found = (findsWideBytes ? found | word : found & ~word) & highBits
            if found != 0 { return position + found.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count {
            let byte = bytes[position]
            if byte < 0x20 || (findsWideBytes && byte >= 0x80) || byte == UInt8(ascii: "\"")
                || byte == UInt8(ascii: "\\")
            {
                return position
            }
            position += 1
        }
        return position
    }

    @inline(__always)
    private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
    }
}
