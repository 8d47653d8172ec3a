/// Copies a validated slice as `JSON.stringify` would have written it.
package enum JSONCanonicalizer {
    /// The slice's canonical text.
    package static func text(of slice: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var text = ByteWriter(capacity: slice.count)
        append(slice, of: bytes, to: &text)
        return Array(text.written)
    }

    /// Appends the slice's canonical text.
    ///
    /// A canonical slice is copied byte by byte. A loose one loses its white space and needless escapes on the way;
    /// numbers and lone surrogates keep their text. A disordered one goes through a tree.
    package static func append(_ slice: JSONSlice, of bytes: UnsafeBufferPointer<UInt8>, to text: inout ByteWriter) {
        switch slice.form {
        case .canonical:
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[slice.range]))
        case .loose:
            appendTokens(UnsafeBufferPointer(rebasing: bytes[slice.range]), to: &text)
        case .disordered:
            text.append(contentsOf: JSONValue(validated: slice, in: bytes).jsonText)
        }
    }

    private static func appendTokens(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout ByteWriter) {
        guard let base = bytes.baseAddress else { return }
        var position = 0
        // What is copied as it is, is copied in runs; one begins here.
        var start = 0
        func copy(to end: Int, then next: Int, _ text: inout ByteWriter) {
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = next
        }
        while position < bytes.count {
            let byte = bytes[position]
            if byte <= 0x20 {
                var end = position + 1
                while end < bytes.count, bytes[end] <= 0x20 { end += 1 }
                copy(to: position, then: end, &text)
                position = end
            } else if byte == UInt8(ascii: "\"") {
                position += 1
                while true {
                    // The text is valid: nothing but a quote or a backslash can stop the search.
                    position = ByteText.firstSpecial(
                        in: base,
                        from: position,
                        to: bytes.count,
                        findsWideBytes: false
                    )
                    if bytes[position] == UInt8(ascii: "\"") { break }
                    copy(to: position, then: position, &text)
                    position += appendEscape(bytes, at: position, to: &text)
                    start = position
                }
                position += 1
            } else {
                position += 1
            }
        }
        copy(to: bytes.count, then: bytes.count, &text)
    }

    /// Appends the escape at that position and returns how many bytes it took.
    private static func appendEscape(
        _ bytes: UnsafeBufferPointer<UInt8>,
        at position: Int,
        to text: inout ByteWriter
    ) -> Int {
        switch bytes[position + 1] {
        case UInt8(ascii: "/"):
            text.append(UInt8(ascii: "/"))
            return 2
        case UInt8(ascii: "u"):
            return appendUnicodeEscape(bytes, at: position, to: &text)
        default:
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[position...position + 1]))
            return 2
        }
    }

    private static func appendUnicodeEscape(
        _ bytes: UnsafeBufferPointer<UInt8>,
        at position: Int,
        to text: inout ByteWriter
    ) -> Int {
        let first = codeUnit(bytes, at: position + 2)
        if let scalar = Unicode.Scalar(first) {
            for byte in UTF8.encode(scalar).unsafelyUnwrapped { JSONEscape.append(byte, to: &text) }
            return 6
        }
        if first < 0xDC00, bytes[position + 6] == UInt8(ascii: "\\"), bytes[position + 7] == UInt8(ascii: "u") {
            let second = codeUnit(bytes, at: position + 8)
            if 0xDC00..<0xE000 ~= second {
                let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00
                let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
                for byte in UTF8.encode(scalar).unsafelyUnwrapped { text.append(byte) }
                return 12
            }
        }
        JSONEscape.append(codeUnit: first, to: &text)
        return 6
    }

    private static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt16 {
        var unit: UInt16 = 0
        for offset in 0..<4 {
            let byte = bytes[position + offset]
            let digit = byte <= UInt8(ascii: "9") ? byte - UInt8(ascii: "0") : (byte | 0x20) - UInt8(ascii: "a") + 10
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
