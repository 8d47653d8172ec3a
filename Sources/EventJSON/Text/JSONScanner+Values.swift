/// The grammar itself: the functions that walk over one value.
extension JSONScanner {
    /// Notes that the text is not as `JSON.stringify` would write it.
    private mutating func loosen() {
        form = max(form, .loose)
    }

    @inline(__always)
    mutating func skipWhiteSpace() {
        // Most text has none; the loop is out of the way of that case.
        guard position < count, bytes[position] <= 0x20 else { return }
        skipWhiteSpaceRun()
    }

    private mutating func skipWhiteSpaceRun() {
        let start = position
        while position < count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default:
                if position > start { loosen() }
                return
            }
        }
        if position > start { loosen() }
    }

    /// Walks over the value at `position`, which is not white space.
    mutating func skipValue() throws(JSONError) -> JSONSlice.Kind {
        switch bytes[position] {
        case UInt8(ascii: "\""):
            try skipString()
            return .string
        case UInt8(ascii: "{"):
            try skipObject()
            return .object
        case UInt8(ascii: "["):
            try skipArray()
            return .array
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try skipNumber()
            return .number
        case UInt8(ascii: "t"):
            try skipLiteral("true")
            return .bool
        case UInt8(ascii: "f"):
            try skipLiteral("false")
            return .bool
        case UInt8(ascii: "n"):
            try skipLiteral("null")
            return .null
        default:
            throw JSONError(.unexpectedByte, at: position)
        }
    }

    private mutating func skipObject() throws(JSONError) {
        try enterObject()
        while try nextName() != nil {
            _ = try peek()
            _ = try skipValue()
        }
    }

    private mutating func skipArray() throws(JSONError) {
        try enterArray()
        var isFirst = true
        while try nextElement(isFirst: isFirst) {
            isFirst = false
            _ = try skipValue()
        }
    }

    private mutating func skipLiteral(_ literal: StaticString) throws(JSONError) {
        let length = literal.utf8CodeUnitCount
        for offset in 0..<length {
            guard position + offset < count else { throw JSONError(.unexpectedEnd, at: count) }
            guard bytes[position + offset] == literal.utf8Start[offset] else {
                throw JSONError(.unexpectedByte, at: position + offset)
            }
        }
        position += length
    }

    private mutating func skipNumber() throws(JSONError) {
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < count else { throw JSONError(.unexpectedEnd, at: position) }
        if bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        guard position < count else { return }
        if bytes[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        guard position < count else { return }
        if bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
        if position < count, bytes[position] &- 0x30 <= 9 { throw JSONError(.malformedNumber, at: position) }
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while position < count, bytes[position] &- 0x30 <= 9 { position += 1 }
        guard position > start else {
            throw JSONError(position == count ? .unexpectedEnd : .malformedNumber, at: position)
        }
    }

    /// Walks over a string; `position` is at its opening quote.
    mutating func skipString() throws(JSONError) {
        position += 1
        while true {
            skipPlainBytes()
            guard position < count else { throw JSONError(.unexpectedEnd, at: position) }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                try skipEscape()
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: position)
            default:
                try skipMultibyteCharacter()
            }
        }
    }

    /// Walks over ASCII that needs no attention.
    @inline(__always)
    private mutating func skipPlainBytes() {
        position = ByteText.firstSpecial(in: bytes, from: position, to: count, findsWideBytes: true)
    }

    /// Checks one multibyte UTF-8 character by the table of Unicode 15, 3.9 (no overlong forms, no surrogates).
    private mutating func skipMultibyteCharacter() throws(JSONError) {
        let first = bytes[position]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: throw JSONError(.malformedUTF8, at: position)
        }
        guard position + length <= count else { throw JSONError(.malformedUTF8, at: position) }
        guard second.contains(bytes[position + 1]) else { throw JSONError(.malformedUTF8, at: position) }
        for offset in 2..<max(length, 2) where bytes[position + offset] & 0xC0 != 0x80 {
            throw JSONError(.malformedUTF8, at: position)
        }
        position += length
    }

    /// Walks over an escape and notes whether `JSON.stringify` would have written it so.
    private mutating func skipEscape() throws(JSONError) {
        guard position + 1 < count else { throw JSONError(.unexpectedEnd, at: count) }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "/"):
            loosen()
            position += 2
        case UInt8(ascii: "u"):
            try skipUnicodeEscape()
        default:
            throw JSONError(.malformedEscape, at: position)
        }
    }

    private mutating func skipUnicodeEscape() throws(JSONError) {
        let unit = try codeUnit(at: position)
        if 0xD800..<0xDC00 ~= unit, position + 7 < count, bytes[position + 6] == UInt8(ascii: "\\"),
            bytes[position + 7] == UInt8(ascii: "u"), 0xDC00..<0xE000 ~= (try codeUnit(at: position + 6))
        {
            loosen()
            position += 12
            return
        }
        let isLoneSurrogate = 0xD800..<0xE000 ~= unit
        let isControl = unit < 0x20 && !(8...13 ~= unit && unit != 11)
        if !(isLoneSurrogate || isControl) || hasUppercaseHex(at: position + 2) { loosen() }
        position += 6
    }

    /// The UTF-16 code unit of the `\uXXXX` at that offset.
    func codeUnit(at offset: Int) throws(JSONError) -> UInt16 {
        guard offset + 6 <= count else { throw JSONError(.malformedEscape, at: offset) }
        var unit: UInt16 = 0
        for digit in 2..<6 {
            let byte = bytes[offset + digit]
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
            default: throw JSONError(.malformedEscape, at: offset)
            }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }

    private func hasUppercaseHex(at offset: Int) -> Bool {
        for digit in 0..<4 where UInt8(ascii: "A")...UInt8(ascii: "F") ~= bytes[offset + digit] { return true }
        return false
    }
}
