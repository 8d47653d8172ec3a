import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite struct RequestFramingTests {
    private func framing(
        _ fields: [(String, String)],
        version: HTTPVersion = .http1_1,
        uri: String = "/",
        limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPRefusal) -> HTTPRequestFraming {
        let head = HTTPRequestHead(version: version, method: .POST, uri: uri, headers: HTTPHeaders(fields))
        return try HTTPRequestFraming(head, limits: limits)
    }

    @Test("lengths, codings and expectations are read without regard to case")
    func fields() throws {
        let framing = try self.framing([
            ("hOsT", "h"), ("CONTENT-LENGTH", "12"), ("content-Encoding", "GZip"), ("EXPECT", "100-Continue"),
        ])
        #expect(framing.contentLength == 12)
        #expect(framing.contentEncoding == .gzip)
        #expect(framing.expectsContinue)
        #expect(framing.keepsAlive)
        #expect(framing.hasBody)
    }

    @Test("a Host field is required once; HTTP/1.0 may do without")
    func host() throws {
        #expect(throws: HTTPRefusal.hostFieldMissing) { try self.framing([]) }
        #expect(throws: HTTPRefusal.hostFieldMissing) { try self.framing([("Host", "a"), ("host", "b")]) }
        #expect(throws: HTTPRefusal.hostFieldMissing) {
            try self.framing([("Host", "a"), ("host", "a")], version: .http1_0)
        }
        #expect(try self.framing([], version: .http1_0).isVersion10)
    }

    @Test("chunks in HTTP/1.0 and unknown expectations are refused")
    func refusals() throws {
        #expect(throws: HTTPRefusal.malformed) {
            try self.framing([("Transfer-Encoding", "chunked")], version: .http1_0)
        }
        #expect(throws: HTTPRefusal.expectationUnknown) { try self.framing([("Host", "h"), ("Expect", "tea")]) }
    }

    @Test("HTTP/1.0 knows no 100 Continue, and a request without a body needs none")
    func noContinue() throws {
        #expect(
            try !self.framing([("Expect", "100-continue"), ("Content-Length", "1")], version: .http1_0).expectsContinue
        )
        #expect(try !self.framing([("Host", "h"), ("Expect", "100-continue")]).expectsContinue)
    }

    @Test("persistence: HTTP/1.1 unless close, HTTP/1.0 if keep-alive, never after an upgrade")
    func keepsAlive() throws {
        #expect(try self.framing([("Host", "h")]).keepsAlive)
        #expect(try !self.framing([("Host", "h"), ("Connection", "close")]).keepsAlive)
        #expect(try !self.framing([("Host", "h"), ("Connection", "Keep-Alive, Close")]).keepsAlive)
        #expect(try !self.framing([], version: .http1_0).keepsAlive)
        #expect(try self.framing([("Connection", "keep-alive")], version: .http1_0).keepsAlive)
        #expect(try !self.framing([("Host", "h"), ("Upgrade", "h2c")]).keepsAlive)
    }

    @Test("a length beyond all numbers is a length beyond all limits")
    func hugeLength() throws {
        #expect(try self.framing([("Host", "h"), ("Content-Length", "18446744073709551615")]).contentLength == .max)
    }

    @Test(
        "codings",
        arguments: [
            ([], HTTPContentEncoding.identity),
            (["identity"], .identity),
            (["gzip"], .gzip),
            (["x-gzip"], .gzip),
            (["Deflate"], .deflate),
            (["ZIP"], .unsupported("zip")),
            (["gzip, gzip"], .unsupported("gzip, gzip")),
            (["gzip", "gzip"], .unsupported("gzip, gzip")),
            ([String(repeating: "a", count: 65)], .unsupported(String(repeating: "a", count: 64))),
        ]
    )
    func codings(values: [String], expected: HTTPContentEncoding) throws {
        let framing = try self.framing([("Host", "h")] + values.map { ("Content-Encoding", $0) })
        #expect(framing.contentEncoding == expected)
    }

    @Test("the limits of target, field bytes and field count: at the limit and one over")
    func limits() throws {
        var limits = HTTPLimits()
        limits.maximumURILength = 10
        limits.maximumHeaderByteCount = 20
        limits.maximumHeaderFieldCount = 2
        let host = ("Host", "h")  // 5 bytes
        #expect(throws: Never.self) { try self.framing([host], uri: "/123456789", limits: limits) }
        #expect(throws: HTTPRefusal.targetTooLong) { try self.framing([host], uri: "/1234567890", limits: limits) }
        #expect(throws: Never.self) { try self.framing([host, ("A", "12345678901234")], limits: limits) }
        #expect(throws: HTTPRefusal.fieldsTooLarge) {
            try self.framing([host, ("A", "123456789012345")], limits: limits)
        }
        #expect(throws: HTTPRefusal.fieldsTooLarge) {
            try self.framing([host, ("A", "1"), ("B", "1")], limits: limits)
        }
    }
}
