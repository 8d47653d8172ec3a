/// Splits text at a literal separator.
enum LiteralText {
    /// The parts between the separators, empty ones included.
    static func split(_ text: String, separator: String) -> [String] {
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        var parts: [String] = []
        var start = 0
        var position = 0
        while position + mark.count <= bytes.count {
            if bytes[position] == mark[0], bytes[position..<position + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<position], as: UTF8.self))
                position += mark.count
                start = position
            } else {
                position += 1
            }
        }
        parts.append(String(decoding: bytes[start...], as: UTF8.self))
        return parts
    }
}

/// Host and path of an absolute URL or of a path alone; enough for mapping, not a validator.
struct URLParts {
    /// The host in lower case, without user, port and brackets; nil for a path alone.
    let host: String?
    /// The path without query and fragment; "/" where an absolute URL has none.
    let path: String

    /// Takes the text apart; nil if it is neither an absolute URL nor a path.
    init?(_ text: String) {
        var rest = Substring(text.prefix { $0 != "?" && $0 != "#" })
        if let scheme = rest.range(ofLiteral: "://") {
            guard rest[..<scheme.lowerBound].allSatisfy({ $0.isLetter || $0.isNumber || "+-.".contains($0) }),
                scheme.lowerBound > rest.startIndex
            else { return nil }
            rest = rest[scheme.upperBound...]
        } else if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
        } else {
            guard rest.hasPrefix("/") else { return nil }
            host = nil
            path = String(rest)
            return
        }
        var authority = rest.prefix { $0 != "/" }
        let remainder = rest[authority.endIndex...]
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if authority.hasPrefix("[") {
            authority = authority.dropFirst().prefix { $0 != "]" }
        } else {
            authority = authority.prefix { $0 != ":" }
        }
        guard !authority.isEmpty else { return nil }
        host = authority.lowercased()
        path = remainder.isEmpty ? "/" : String(remainder)
    }
}

extension Substring {
    fileprivate func range(ofLiteral literal: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(literal) { return start..<index(start, offsetBy: literal.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// Shortened addresses.
enum AnonymizedIP {
    /// An IPv4 address with its last number set to 0; empty for anything else, so that no whole address ever passes.
    static func text(of address: String) -> String {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress =
            parts.count == 4
            && parts.allSatisfy { part in
                1...3 ~= part.utf8.count && part.utf8.allSatisfy { 0x30...0x39 ~= $0 }
            }
        return isAddress ? parts.prefix(3).joined(separator: ".") + ".0" : ""
    }
}
