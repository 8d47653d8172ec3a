/// Builds a `JSONValue` tree from text that a `JSONScanner` has validated.
///
/// Invariant: `bytes` holds `count` bytes of validated JSON, so every function may take for granted that a value is
/// complete and that its closing quote or bracket comes before `count`.
struct JSONTreeBuilder {
    let bytes: UnsafePointer<UInt8>
    let count: Int
    /// Whether no object repeats a name or has an index-like name out of order, so that members are simply appended.
    let isOrdered: Bool
    var position: Int

    /// The value that starts at `position`.
    mutating func value() -> JSONValue {
        skipWhiteSpace()
        switch bytes[position] {
        case UInt8(ascii: "\""): return .string(string())
        case UInt8(ascii: "{"): return .object(object())
        case UInt8(ascii: "["): return .array(array())
        case UInt8(ascii: "t"):
            position += 4
            return .bool(true)
        case UInt8(ascii: "f"):
            position += 5
            return .bool(false)
        case UInt8(ascii: "n"):
            position += 4
            return .null
        default: return .number(number())
        }
    }

    private mutating func skipWhiteSpace() {
        while bytes[position] <= 0x20 { position += 1 }
    }

    private mutating func object() -> JSONObject {
        var object = JSONObject()
        var written: [JSONObject.Member] = []
        position += 1
        skipWhiteSpace()
        while bytes[position] != UInt8(ascii: "}") {
            let name = string()
            skipWhiteSpace()
            position += 1
            if isOrdered {
                object.append(name, value())
            } else {
                written.append(JSONObject.Member(name: name, value: value()))
            }
            skipWhiteSpace()
            if bytes[position] == UInt8(ascii: ",") {
                position += 1
                skipWhiteSpace()
            }
        }
        position += 1
        return isOrdered ? object : JSONObject(asWritten: written)
    }

    private mutating func array() -> [JSONValue] {
        var elements: [JSONValue] = []
        position += 1
        skipWhiteSpace()
        while bytes[position] != UInt8(ascii: "]") {
            elements.append(value())
            skipWhiteSpace()
            if bytes[position] == UInt8(ascii: ",") {
                position += 1
                skipWhiteSpace()
            }
        }
        position += 1
        return elements
    }

    private mutating func number() -> JSONNumber {
        let start = position
        // A number at the very end of the text has no byte after it; such text is padded by the caller.
        while isNumberByte(bytes[position]) { position += 1 }
        return JSONNumber(validated: text(start..<position))
    }

    private func isNumberByte(_ byte: UInt8) -> Bool {
        byte &- 0x30 <= 9 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
            || byte | 0x20 == UInt8(ascii: "e")
    }

    private mutating func string() -> String {
        position += 1
        let start = position
        // The text is valid: nothing but a quote or a backslash can stop the search.
        position = ByteText.firstSpecial(in: bytes, from: position, to: count, findsWideBytes: false)
        if bytes[position] == UInt8(ascii: "\\") { return escapedString(from: start) }
        position += 1
        return text(start..<position - 1)
    }

    private mutating func escapedString(from start: Int) -> String {
        var result = Array(UnsafeBufferPointer(start: bytes + start, count: position - start))
        while bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") {
                appendEscape(to: &result)
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        position += 1
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func appendEscape(to result: inout [UInt8]) {
        let escape = bytes[position + 1]
        position += 2
        switch escape {
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"): appendUnicodeEscape(to: &result)
        default: result.append(escape)
        }
    }

    /// `position` is at the first of four hexadecimal digits.
    private mutating func appendUnicodeEscape(to result: inout [UInt8]) {
        let first = codeUnit()
        var scalar = Unicode.Scalar(UInt32(first))
        if 0xD800..<0xDC00 ~= first, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") {
            let mark = position
            position += 2
            let second = codeUnit()
            if 0xDC00..<0xE000 ~= second {
                scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + UInt32(second) - 0xDC00)
            } else {
                position = mark
            }
        }
        result.append(contentsOf: UTF8.encode(scalar ?? "\u{FFFD}").unsafelyUnwrapped)
    }

    private mutating func codeUnit() -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit = byte <= UInt8(ascii: "9") ? byte - UInt8(ascii: "0") : (byte | 0x20) - UInt8(ascii: "a") + 10
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes + range.lowerBound, count: range.count), as: UTF8.self)
    }
}
