import TestSupport

/// Requests as bytes, one file for each rule of RFC 9112 or each trick to get round it: `Fixtures/hostile/http`.
///
/// More of them, at a connection without sockets: `HTTPServerTests/Fixtures/http`.
struct SmugglingCase: Sendable {
    /// The file's name: the rule.
    let file: String
    /// The status of the first answer; with `-close` nothing behind it may be answered.
    let outcome: String
    /// The ids of the events that the bytes bring; `smuggled` is never among them.
    let ids: Set<String>

    var status: Int { Int(outcome.prefix(3)) ?? 0 }
    var closes: Bool { outcome.hasSuffix("-close") }

    func bytes() throws -> [UInt8] { try Fixtures.bytes("hostile/http/\(file)") }

    static let all = table.map { SmugglingCase(file: $0.0, outcome: $0.1, ids: Set($0.2)) }

    private static let table: [(String, String, [String])] = [
        ("content-length-shorter-than-chunks.raw", "400-close", []),
        ("content-length-behind-chunks.raw", "400-close", []),
        ("content-length-zero-with-chunks.raw", "400-close", []),
        ("coding-second-unknown.raw", "400-close", []),
        ("coding-unknown-first.raw", "400-close", []),
        ("coding-space-before-colon.raw", "400-close", []),
        ("coding-folded.raw", "400-close", []),
        ("coding-behind-bare-line-feed.raw", "400-close", []),
        ("coding-behind-bare-carriage-return.raw", "400-close", []),
        ("coding-empty-element.raw", "400-close", []),
        ("coding-with-parameter.raw", "400-close", []),
        ("coding-null-behind.raw", "400-close", []),
        ("coding-name-null-behind.raw", "400-close", []),
        ("coding-name-in-line.raw", "400-close", []),
        ("coding-in-apostrophes.raw", "400-close", []),
        ("coding-high-byte.raw", "400-close", []),
        ("coding-name-with-underscore.raw", "200", ["honest"]),
        ("coding-behind-tab.raw", "200", ["honest"]),
        ("length-of-a-get.raw", "200", []),
        ("length-on-unknown-path.raw", "404", []),
        ("length-on-method-not-allowed.raw", "405", []),
        ("length-of-options.raw", "204", []),
        ("length-of-pixel.raw", "200", ["honest"]),
        ("length-of-another-type.raw", "400", []),
        ("length-with-unknown-content-coding.raw", "415", []),
        ("length-named-by-connection.raw", "200", ["honest"]),
        ("length-with-underscore.raw", "400", ["honest"]),
        ("length-in-folded-line.raw", "400-close", []),
        ("length-twice-once-in-capitals.raw", "400-close", []),
        ("length-2-to-the-63.raw", "413-close", []),
        ("length-2-to-the-64-and-more.raw", "400-close", []),
        ("length-with-fraction.raw", "400-close", []),
        ("length-with-exponent.raw", "400-close", []),
        ("length-of-more-than-may-be.raw", "413-close", []),
        ("expectation-unknown-with-body.raw", "417-close", []),
        ("chunks-with-a-request-inside.raw", "400", []),
        ("chunks-of-a-get.raw", "200", []),
        ("chunk-extension-with-line-feed.raw", "400-close", []),
        ("chunk-extension-with-carriage-return.raw", "400-close", []),
        ("chunk-extension-with-null.raw", "400-close", []),
        ("chunk-extension-quoted-line-end.raw", "400-close", []),
        ("chunk-size-overflow-to-two.raw", "400-close", []),
        ("chunk-size-zeros-before.raw", "200", ["honest"]),
        ("chunk-size-with-underscore.raw", "400-close", []),
        ("chunk-size-tab-behind.raw", "400-close", []),
        ("chunk-end-without-carriage-return.raw", "400-close", []),
        ("chunk-end-other-bytes.raw", "400-close", []),
        ("chunk-last-with-sign.raw", "400-close", []),
        ("chunk-last-without-empty-line.raw", "400-close", []),
        ("trailer-transfer-encoding.raw", "400-close", []),
        ("trailer-folded.raw", "400-close", []),
        ("trailer-bare-line-feed.raw", "400-close", []),
        ("trailer-name-with-space.raw", "400-close", []),
        ("target-absolute-other-authority.raw", "200", ["honest"]),
        ("target-bare-authority.raw", "400-close", []),
        ("target-with-tab.raw", "400-close", []),
        ("target-with-null.raw", "400-close", []),
        ("target-with-line-feed.raw", "400-close", []),
        ("close-and-another-request.raw", "200-close", []),
        ("close-among-others.raw", "200-close", []),
        ("version-1-0-and-another-request.raw", "200-close", []),
        ("field-name-in-quotes.raw", "400-close", []),
        ("field-line-empty-name.raw", "400-close", []),
        ("fields-end-with-line-feeds.raw", "400-close", []),
        ("fields-end-with-carriage-returns.raw", "400-close", []),
        ("host-twice-other-case.raw", "400-close", []),
        ("request-line-of-an-answer.raw", "400-close", []),
        ("method-with-null.raw", "400-close", []),
        ("method-override.raw", "200", []),
    ]
}
