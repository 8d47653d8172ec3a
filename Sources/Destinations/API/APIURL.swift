import Collector
import InternetAddresses

/// Where requests go: a scheme, host and port that are always the same, and a path and query that an event may fill.
struct APIURL: Sendable {
    /// Whether it is https.
    let isSecure: Bool
    /// The name or address, in lower case, without brackets.
    let host: String
    /// The host, if it is an address.
    let address: IPAddress?
    /// The port, if it is not the scheme's usual one.
    let port: Int?
    /// What stands behind them, beginning with `/`.
    let target: APITemplate

    /// Takes a URL apart.
    ///
    /// - Throws: what is wrong with it and the remedy; never the URL, which may hold a key.
    init(_ text: String) throws(APITemplate.Problem) {
        let lowercased = text.prefix(8).lowercased()
        guard lowercased.hasPrefix("http://") || lowercased.hasPrefix("https://") else {
            throw APITemplate.Problem("\"url\" is required: an http or https URL")
        }
        isSecure = lowercased.hasPrefix("https://")
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }) {
            throw APITemplate.Problem("a placeholder stands in the host or port: it may stand in path and query only")
        }
        if authority.utf8.contains(UInt8(ascii: "@")) {
            throw APITemplate.Problem("a user stands in front of the host: write a header \"Authorization\" instead")
        }
        (host, address, port) = try Self.endpoint(authority, usualPort: isSecure ? 443 : 80)
        let target = String(rest.dropFirst(authority.count))
        self.target = try APITemplate(target.hasPrefix("/") ? target : "/" + target, .target)
        try checkLiterals()
    }

    /// The scheme, the host and the port as a URL begins with them.
    ///
    /// - Parameter host: another name for the host.
    func origin(host: String? = nil) -> String {
        "\(isSecure ? "https" : "http")://\(hostField(host))"
    }

    /// The header field `Host`.
    func hostField(_ other: String? = nil) -> String {
        let name = other ?? (address?.isVersion6 == true ? "[\(host)]" : host)
        return port.map { "\(name):\($0)" } ?? name
    }

    /// Path and query for an event.
    ///
    /// - Throws: what is missing or must not stand there.
    func target(for event: Event) throws(APITemplate.Problem) -> String {
        let text = String(decoding: try target.fill(event), as: UTF8.self)
        if !target.isLiteral, Self.leadsElsewhere(text) {
            throw APITemplate.Problem("the path has a step \".\" or \"..\" once it is filled")
        }
        return text
    }

    private static func endpoint(
        _ authority: Substring,
        usualPort: Int
    ) throws(APITemplate.Problem) -> (String, IPAddress?, Int?) {
        var name = authority
        var portText: Substring?
        if authority.first == "[", let end = authority.firstIndex(of: "]") {
            name = authority[authority.index(after: authority.startIndex)..<end]
            let behind = authority[end...].dropFirst()
            if !behind.isEmpty {
                guard behind.first == ":" else { throw APITemplate.Problem("behind \"]\" comes a port or the path") }
                portText = behind.dropFirst()
            }
            guard let address = IPAddress(String(name)), address.isVersion6 else {
                throw APITemplate.Problem("between \"[\" and \"]\" stands an IPv6 address without a zone")
            }
            return (address.description, address, try self.port(portText, usualPort))
        }
        if let colon = authority.firstIndex(of: ":") {
            name = authority[..<colon]
            portText = authority[colon...].dropFirst()
        }
        let host = name.lowercased()
        try checkName(host)
        let port = try port(portText, usualPort)
        guard endsInNumber(host) else { return (host, nil, port) }
        // "2130706433", "0x7f.1" and "0177.0.0.1" are all 127.0.0.1 to some resolvers.
        guard let address = IPAddress(host), address.description == host else {
            throw APITemplate.Problem("an address is written as four decimal numbers: 10.0.0.1")
        }
        return (host, address, port)
    }

    private static func port(_ text: Substring?, _ usualPort: Int) throws(APITemplate.Problem) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(text), (1...65_535).contains(port)
        else { throw APITemplate.Problem("the port is a number from 1 to 65535") }
        return port == usualPort ? nil : port
    }

    /// Whether the last label is a number, decimal or hexadecimal, as no top-level domain is.
    private static func endsInNumber(_ host: String) -> Bool {
        guard let last = host.split(separator: ".").last else { return false }
        if last.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) { return true }
        return last.hasPrefix("0x") && last.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    /// Checks a host name, in lower case.
    static func checkName(_ host: String) throws(APITemplate.Problem) {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63
                && label.utf8.allSatisfy { byte in
                    byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                }
        }
        guard isName, host.utf8.count <= 253 else {
            throw APITemplate.Problem(
                "the host is a name of letters, digits, \"-\" and \".\" or an address; others are written xn--…"
            )
        }
    }

    private func checkLiterals() throws(APITemplate.Problem) {
        let refused = Set("\"<>\\^`{|}".utf8)
        for bytes in target.literals {
            if bytes.contains(UInt8(ascii: "#")) {
                throw APITemplate.Problem("a fragment (#) is never sent: leave it out, or write %23")
            }
            if bytes.contains(where: { $0 <= 0x20 || $0 >= 0x7F || refused.contains($0) }) {
                throw APITemplate.Problem("a character stands in the URL that has to be percent-encoded")
            }
            for (position, byte) in bytes.enumerated() where byte == UInt8(ascii: "%") {
                let digits = bytes[(position + 1)...].prefix(2)
                guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
                    throw APITemplate.Problem("behind % stand two hexadecimal digits; % itself is written %25")
                }
            }
        }
        if target.isLiteral, let text = target.literals.first,
            Self.leadsElsewhere(String(decoding: text, as: UTF8.self))
        {
            throw APITemplate.Problem("the path has a step \".\" or \"..\": write the path that is meant")
        }
    }

    private static func leadsElsewhere(_ target: String) -> Bool {
        let path = target.prefix { $0 != "?" }
        return path.split(separator: "/").contains { step in
            let plain = step.lowercased().split(separator: "%2e", omittingEmptySubsequences: false).joined(
                separator: "."
            )
            return plain == "." || plain == ".."
        }
    }
}
