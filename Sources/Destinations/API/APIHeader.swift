import Collector

/// A header field whose value an event may fill.
struct APIHeader: Sendable {
    let name: String
    let value: APITemplate

    /// What the client writes itself, since it says where a request ends or goes.
    private static let reserved = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// A header field.
    ///
    /// - Throws: what is wrong with it; never the value.
    init(_ name: String, _ text: String) throws(APITemplate.Problem) {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
            throw APITemplate.Problem(
                "a header field's name has letters, digits and \"-\"; values only take placeholders"
            )
        }
        if Self.reserved.contains(name.lowercased()) {
            throw APITemplate.Problem("the client writes this header field itself: leave it out")
        }
        if text.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) {
            throw APITemplate.Problem("the value of a header field holds a control character")
        }
        self.name = name
        value = try APITemplate(text, .header)
    }

    /// Whether the name is this one; case does not matter.
    func isNamed(_ other: String) -> Bool {
        name.lowercased() == other.lowercased()
    }

    /// Whether a name is one under which credentials are sent, in a header field or in a query.
    static func isCredential(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["auth", "cookie", "credential", "hmac", "key", "pass", "pwd", "secret", "session", "sig", "token"]
            .contains { name.contains($0) } && name != "idempotency-key"
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
