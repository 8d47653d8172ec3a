/// Makes of any text, a stranger's too, something that can stand in a line of the log without being more than shown.
enum LogText {
    /// The text's first bytes, cut between characters, with an ellipsis if there are more.
    static func shortened(_ text: String, to maximumByteCount: Int) -> String {
        let bytes = text.utf8
        guard bytes.count > maximumByteCount else { return text }
        // Not between what is one character to a reader: that may be as long as the whole text.
        var end = bytes.index(bytes.startIndex, offsetBy: maximumByteCount)
        while end > bytes.startIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return String(text.unicodeScalars[..<end]) + "…"
    }

    /// The text with everything escaped that is not simply shown.
    static func escaped(_ text: String) -> String {
        if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isShown(scalar): result.unicodeScalars.append(scalar)
            default: result += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return result
    }

    /// The escaped text, in quotes where a part of it could be taken for another field.
    static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x20, 0x22, 0x3D].contains($0) }) else { return escaped(text) }
        return "\"" + escaped(text).replacing("\"", with: "\\\"") + "\""
    }

    /// JSON text with everything escaped that JSON itself lets through and that is not simply shown.
    static func escapedJSON(_ json: String) -> String {
        if json.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return json }
        var result = ""
        for scalar in json.unicodeScalars {
            if isShown(scalar) {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in Character(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    /// Whether terminals and pagers show the character, and do nothing else: no control character, no line end, none
    /// that turns the direction of what follows.
    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
