/// Writes JSON text as JavaScript's `JSON.stringify` does: no spaces, minimal escapes, missing members left out.
///
/// Numbers keep their text; NaN and the infinities are `null`. Missing array elements are `null`.
extension JSONValue {
    /// The compact text; empty for a missing value.
    public var jsonText: [UInt8] {
        var text: [UInt8] = []
        appendJSON(to: &text)
        return text
    }

    /// Appends the compact text; nothing for a missing value.
    public func appendJSON(to text: inout [UInt8]) {
        switch self {
        case .missing: break
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let bool): text.append(contentsOf: bool ? "true".utf8 : "false".utf8)
        case .number(let number): text.append(contentsOf: number.isFinite ? number.text.utf8 : "null".utf8)
        case .string(let string): string.appendJSON(to: &text)
        case .object(let members): members.appendJSON(to: &text)
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { text.append(UInt8(ascii: ",")) }
                isFirst = false
                (element.isMissing ? .null : element).appendJSON(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        }
    }
}

extension JSONObject {
    /// Appends the compact text of the object.
    public func appendJSON(to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        var isFirst = true
        for member in members where !member.value.isMissing {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            member.name.appendJSON(to: &text)
            text.append(UInt8(ascii: ":"))
            member.value.appendJSON(to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }
}

extension String {
    /// Appends the string as a quoted JSON string.
    public func appendJSON(to text: inout [UInt8]) {
        JSONEscape.append(self, to: &text)
    }
}

/// The escapes of `JSON.stringify`.
enum JSONEscape {
    /// Appends a string with quotes.
    static func append(_ string: String, to text: inout some ByteSink & ~Copyable) {
        var string = string
        text.append(UInt8(ascii: "\""))
        string.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = 0
            while start < bytes.count {
                let special = ByteText.firstSpecial(in: base, from: start, to: bytes.count, findsWideBytes: false)
                text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<special]))
                if special < bytes.count { append(bytes[special], to: &text) }
                start = special + 1
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    /// Appends one byte of a string's UTF-8, escaped if it must be.
    static func append(_ byte: UInt8, to text: inout some ByteSink & ~Copyable) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            text.append(UInt8(ascii: "\\"))
            text.append(byte)
        case 0x08: text.append(literal: #"\b"#)
        case 0x0C: text.append(literal: #"\f"#)
        case 0x0A: text.append(literal: #"\n"#)
        case 0x0D: text.append(literal: #"\r"#)
        case 0x09: text.append(literal: #"\t"#)
        case 0..<0x20: append(codeUnit: UInt16(byte), to: &text)
        default: text.append(byte)
        }
    }

    /// Appends `\uXXXX` with lower-case digits.
    static func append(codeUnit: UInt16, to text: inout some ByteSink & ~Copyable) {
        text.append(literal: #"\u"#)
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: codeUnit >> UInt16(shift)) & 0xF
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
