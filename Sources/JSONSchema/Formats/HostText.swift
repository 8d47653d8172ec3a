/// Names and addresses of hosts.
enum HostText {
    typealias Bytes = Substring.UTF8View

    /// A name of RFC 1123: labels of letters, digits and hyphens, together at most 253 characters.
    ///
    /// Labels that begin with `xn--` are not taken apart: whether they decode to a permitted name is for IDNA.
    static func isHostname(_ text: Bytes) -> Bool {
        guard !text.isEmpty, text.count <= 253 else { return false }
        return text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    private static func isLabel(_ label: Bytes) -> Bool {
        let hyphen = UInt8(ascii: "-")
        guard 1...63 ~= label.count, label.first != hyphen, label.last != hyphen else { return false }
        // Hyphens in both the third and the fourth place are kept for encoded names.
        let isReserved = label.dropFirst(2).prefix(2).elementsEqual("--".utf8)
        let isEncoded = label.count > 4 && label.prefix(2).allSatisfy { $0 | 0x20 == 0x78 || $0 | 0x20 == 0x6E }
        return label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen } && (!isReserved || isEncoded)
    }

    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
    }

    /// Four numbers of at most 255, without leading zeros.
    static func isIPv4(_ text: Bytes) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard 1...3 ~= part.count, part.allSatisfy({ 0x30...0x39 ~= $0 }) else { return false }
                if part.count > 1, part.first == UInt8(ascii: "0") { return false }
                return part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    /// Eight groups of hexadecimal digits, of which `::` may stand for one or more; the last two may be an IPv4
    /// address.
    static func isIPv6(_ text: Bytes) -> Bool {
        var groups = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard groups.count >= 3 else { return false }
        // A colon at an end is only good as part of "::".
        if groups[0].isEmpty {
            guard groups[1].isEmpty else { return false }
            groups.removeFirst()
        }
        if groups[groups.count - 1].isEmpty {
            guard groups.count >= 2, groups[groups.count - 2].isEmpty else { return false }
            groups.removeLast()
        }
        var count = 0
        var hasGap = false
        for (index, group) in groups.enumerated() {
            if group.isEmpty {
                if hasGap { return false }
                hasGap = true
            } else if index == groups.count - 1, group.contains(UInt8(ascii: ".")) {
                guard isIPv4(group) else { return false }
                count += 2
            } else {
                guard group.count <= 4, group.allSatisfy(HexDigit.isHexDigit) else { return false }
                count += 1
            }
        }
        return hasGap ? count <= 7 : count == 8
    }
}

/// Addresses of electronic mail (RFC 5321): a local part, "@", a host.
enum EmailText {
    static func isAddress(_ text: String) -> Bool {
        let bytes = text.utf8[...]
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return false }
        let local = bytes[..<at]
        let host = bytes[bytes.index(after: at)...]
        return 1...64 ~= local.count && isLocal(local) && isHost(host)
    }

    private static func isLocal(_ local: Substring.UTF8View) -> Bool {
        let quote = UInt8(ascii: "\"")
        if local.first == quote {
            guard local.count >= 2, local.last == quote else { return false }
            return isQuoted(local.dropFirst().dropLast())
        }
        let atoms = local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return atoms.allSatisfy { atom in
            !atom.isEmpty && atom.allSatisfy { HostText.isLetterOrDigit($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }

    private static func isQuoted(_ text: Substring.UTF8View) -> Bool {
        var isEscaped = false
        for byte in text {
            guard 0x20...0x7E ~= byte else { return false }
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\"") {
                return false
            } else {
                isEscaped = byte == UInt8(ascii: "\\")
            }
        }
        return !isEscaped
    }

    private static func isHost(_ host: Substring.UTF8View) -> Bool {
        guard host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 2 else {
            return HostText.isHostname(host)
        }
        let literal = host.dropFirst().dropLast()
        let prefix = "IPv6:".utf8
        if literal.starts(with: prefix) { return HostText.isIPv6(literal.dropFirst(prefix.count)) }
        return HostText.isIPv4(literal)
    }
}
