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
    package static func append(_ number: Int, to text: inout [UInt8]) {
        if number >= 10 { append(number / 10, to: &text) }
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
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

extension [UInt8] {
    /// An empty array with room for that many bytes, made without the detour through the generic library code.
    @inline(__always)
    package init(capacity: Int) {
        self.init(unsafeUninitializedCapacity: capacity) { _, count in count = 0 }
    }

    /// Appends a text that is known when the program is built.
    @inline(__always)
    package mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
