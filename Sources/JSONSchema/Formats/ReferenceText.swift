/// URIs and references to them (RFC 3986).
enum ReferenceText {
    private typealias Bytes = Substring.UTF8View

    private static let subDelimiters = "!$&'()*+,;="

    /// A URI, which begins with its scheme.
    static func isURI(_ text: String) -> Bool {
        guard let rest = afterScheme(text.utf8[...]) else { return false }
        return isHierarchy(rest, mayBeginWithColon: true)
    }

    /// A URI, or a reference relative to one.
    static func isReference(_ text: String) -> Bool {
        isURI(text) || isHierarchy(text.utf8[...], mayBeginWithColon: false)
    }

    private static func afterScheme(_ text: Bytes) -> Bytes? {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let first = text.first, isLetter(first) else {
            return nil
        }
        let scheme = text[..<colon]
        guard scheme.allSatisfy({ HostText.isLetterOrDigit($0) || "+-.".utf8.contains($0) }) else { return nil }
        return text[text.index(after: colon)...]
    }

    /// Authority, path, query and fragment.
    private static func isHierarchy(_ text: Bytes, mayBeginWithColon: Bool) -> Bool {
        var rest = text
        if let hash = rest.firstIndex(of: UInt8(ascii: "#")) {
            guard isText(rest[rest.index(after: hash)...], "/?:@") else { return false }
            rest = rest[..<hash]
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            guard isText(rest[rest.index(after: mark)...], "/?:@") else { return false }
            rest = rest[..<mark]
        }
        if rest.starts(with: "//".utf8) {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            guard isAuthority(rest[..<end]) else { return false }
            rest = rest[end...]
        } else if !mayBeginWithColon, rest.prefix(while: { $0 != UInt8(ascii: "/") }).contains(UInt8(ascii: ":")) {
            // The first part of a relative path has no colon, or it would look like a scheme.
            return false
        }
        return isText(rest, "/:@")
    }

    private static func isAuthority(_ authority: Bytes) -> Bool {
        var rest = authority
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            guard isText(rest[..<at], ":") else { return false }
            rest = rest[rest.index(after: at)...]
        }
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            guard isLiteral(rest[rest.index(after: rest.startIndex)..<end]) else { return false }
            return isPort(rest[rest.index(after: end)...])
        }
        let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
        return isText(rest[..<end], "") && isPort(rest[end...])
    }

    private static func isLiteral(_ literal: Bytes) -> Bool {
        guard literal.first.map({ $0 | 0x20 }) == UInt8(ascii: "v") else { return HostText.isIPv6(literal) }
        // A version to come: "v", hexadecimal digits, ".", an address.
        let rest = literal.dropFirst()
        guard let dot = rest.firstIndex(of: UInt8(ascii: ".")) else { return false }
        let version = rest[..<dot]
        let address = rest[rest.index(after: dot)...]
        return !version.isEmpty && version.allSatisfy(HexDigit.isHexDigit) && !address.isEmpty
            && address.allSatisfy { isUnreserved($0) || subDelimiters.utf8.contains($0) || $0 == UInt8(ascii: ":") }
    }

    private static func isPort(_ port: Bytes) -> Bool {
        port.isEmpty || port.first == UInt8(ascii: ":") && port.dropFirst().allSatisfy { 0x30...0x39 ~= $0 }
    }

    /// Unreserved characters, escapes, sub-delimiters and some others.
    private static func isText(_ text: Bytes, _ others: String) -> Bool {
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst(), let low = rest.popFirst(), HexDigit.isHexDigit(high),
                    HexDigit.isHexDigit(low)
                else { return false }
            } else if !isUnreserved(byte), !subDelimiters.utf8.contains(byte), !others.utf8.contains(byte) {
                return false
            }
        }
        return true
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        HostText.isLetterOrDigit(byte) || "-._~".utf8.contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }
}
