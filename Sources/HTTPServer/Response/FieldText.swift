/// What header field names and values are made of (RFC 9110, section 5).

extension UInt8 {
    /// Whether the byte may not stand in a field value: every control character but the tab.
    var isControlCharacter: Bool {
        (self < 0x20 && self != UInt8(ascii: "\t")) || self == 0x7F
    }

    /// Whether the byte may stand in a token, such as a field name.
    var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default:
            false
        }
    }

    /// The byte with an ASCII capital made small.
    var lowercasedASCII: UInt8 {
        self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
    }
}

extension StringProtocol {
    /// Whether the text is a valid field name.
    var isFieldName: Bool {
        !self.isEmpty && self.utf8.allSatisfy(\.isTokenCharacter)
    }

    /// Whether both texts are the same but for the case of ASCII letters.
    ///
    /// `lowercase` has no capitals.
    func equalsIgnoringCase(_ lowercase: StaticString) -> Bool {
        lowercase.withUTF8Buffer { expected in
            var index = 0
            for byte in self.utf8 {
                guard index < expected.count, byte.lowercasedASCII == expected[index] else { return false }
                index += 1
            }
            return index == expected.count
        }
    }
}

extension String {
    /// The value without the spaces and tabs behind it, which the decoder leaves there.
    var trimmed: Substring {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let last = self.utf8.last, isBlank(last) else { return self[...] }
        guard let end = self.utf8.lastIndex(where: { !isBlank($0) }) else { return "" }
        return Substring(self.utf8[...end])
    }
}
