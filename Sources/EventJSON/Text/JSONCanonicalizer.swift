/// Copies a validated slice as `JSON.stringify` would have written it.
public enum JSONCanonicalizer {
    /// Appends the slice's canonical text.
    ///
    /// A canonical slice is copied byte by byte. A loose one loses its white space and needless escapes on the way;
    /// numbers and lone surrogates keep their text. A disordered one goes through a tree.
    public static func append(_ slice: JSONSlice, of bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        switch slice.form {
        case .canonical:
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[slice.range]))
        case .loose:
            appendTokens(UnsafeBufferPointer(rebasing: bytes[slice.range]), to: &text)
        case .disordered:
            JSONValue(validated: slice, in: bytes).appendJSON(to: &text)
        }
    }

    private static func appendTokens(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + bytes.count)
        var position = 0
        var isInString = false
        while position < bytes.count {
            let byte = bytes[position]
            if isInString, byte == UInt8(ascii: "\\") {
                position += appendEscape(bytes, at: position, to: &text)
                continue
            }
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            if isInString || byte > 0x20 { text.append(byte) }
            position += 1
        }
    }

    /// Appends the escape at that position and returns how many bytes it took.
    private static func appendEscape(
        _ bytes: UnsafeBufferPointer<UInt8>,
        at position: Int,
        to text: inout [UInt8]
    ) -> Int {
        switch bytes[position + 1] {
        case UInt8(ascii: "/"):
            text.append(UInt8(ascii: "/"))
            return 2
        case UInt8(ascii: "u"):
            return appendUnicodeEscape(bytes, at: position, to: &text)
        default:
            text.append(contentsOf: bytes[position...position + 1])
            return 2
        }
    }

    private static func appendUnicodeEscape(
        _ bytes: UnsafeBufferPointer<UInt8>,
        at position: Int,
        to text: inout [UInt8]
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
                text.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
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
