/// The shapes that references have in text.
enum ReferencePattern {
    /// A whole-string reference `$kind.name.path…`: the name and the path after it. Nil if the text is anything else.
    static func whole(_ text: String, kind: String) -> (name: String, path: [String])? {
        guard text.hasPrefix("$\(kind).") else { return nil }
        let parts = text.dropFirst(kind.count + 2).split(separator: ".", omittingEmptySubsequences: false)
        guard let name = parts.first, isName(name), parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isPathCharacter) })
        else { return nil }
        return (String(name), parts.dropFirst().map(String.init))
    }

    /// A whole-string `$secret.NAME`.
    static func secret(_ text: String) -> String? {
        guard text.hasPrefix("$secret.") else { return nil }
        let name = text.dropFirst("$secret.".count)
        guard !name.isEmpty, name.utf8.allSatisfy(isUpper) else { return nil }
        return String(name)
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first else { return false }
        return isLetter(first) && name.utf8.allSatisfy { isWord($0) }
    }

    private static func isPathCharacter(_ character: Character) -> Bool {
        character.utf8.count == 1 && character.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
    }

    static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || 0x30...0x39 ~= byte
    }

    private static func isUpper(_ byte: UInt8) -> Bool {
        0x41...0x5A ~= byte || byte == UInt8(ascii: "_") || 0x30...0x39 ~= byte
    }
}
