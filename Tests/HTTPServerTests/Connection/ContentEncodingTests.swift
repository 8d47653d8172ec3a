import Compression
import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Compressed request bodies.
@Suite struct ContentEncodingTests {
    private static func gzip(_ text: String) throws -> [UInt8] {
        try compressed(Array(text.utf8), .gzip)
    }

    private func answer(
        _ body: [UInt8],
        encoding: String,
        limits: HTTPLimits = HTTPLimits(),
        chunked: Bool = false
    ) throws -> ReceivedResponse {
        let connection = try EmbeddedConnection(limits: limits, handler: EchoHandler())
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: \(encoding)\r\n"
        if chunked {
            let size = String(body.count, radix: 16)
            try connection.send(
                Array("\(head)Transfer-Encoding: chunked\r\n\r\n\(size)\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
            )
        } else {
            try connection.send(Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body)
        }
        return try #require(try connection.responses().last)
    }

    /// Text that compresses to about a third: hexadecimal digits of a generator with a fixed seed.
    private static let text: String = {
        var state: UInt64 = 88_172_645_463_325_252
        return (0..<20_000).map { _ -> String in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return String(state % 10)
        }.joined()
    }()

    @Test("gzip, x-gzip, deflate and identity are understood", arguments: [false, true])
    func understood(chunked: Bool) throws {
        let bytes = Array(Self.text.utf8)
        let expected = "POST / \(Self.text)"
        let gzip = try Self.gzip(Self.text)
        #expect(try self.answer(gzip, encoding: "gzip", chunked: chunked).body == expected)
        #expect(try self.answer(gzip, encoding: "X-GZip", chunked: chunked).body == expected)
        #expect(
            try self.answer(try compressed(bytes, .zlib), encoding: "deflate", chunked: chunked).body
                == expected
        )
        #expect(try self.answer(bytes, encoding: "identity", chunked: chunked).body == expected)
    }

    @Test("an empty body has no coding")
    func emptyBody() throws {
        #expect(try self.answer([], encoding: "gzip").status == 200)
        #expect(try self.answer([], encoding: "zip").status == 200)
        #expect(try self.answer(try Self.gzip(""), encoding: "gzip").body == "POST / ")
    }

    @Test("members of a gzip file are one body")
    func members() throws {
        #expect(try self.answer(try Self.gzip("he") + Self.gzip("llo"), encoding: "gzip").body == "POST / hello")
    }

    @Test("damaged, truncated or longer than its end: 400")
    func damaged() throws {
        let gzip = try Self.gzip(Self.text)
        let deflate = try compressed(Array(Self.text.utf8), .zlib)
        var flipped = gzip
        flipped[gzip.count / 2] ^= 0xFF
        var badChecksum = gzip
        badChecksum[gzip.count - 5] ^= 0x01
        let cases: [(String, [UInt8])] = [
            ("gzip", Array(gzip.dropLast())), ("gzip", Array(gzip.prefix(5))), ("gzip", gzip + [0]),
            ("gzip", gzip + Array("garbage".utf8)), ("gzip", flipped), ("gzip", badChecksum), ("gzip", deflate),
            ("gzip", Array(Self.text.utf8)), ("deflate", Array(deflate.dropLast())), ("deflate", deflate + [0]),
            ("deflate", deflate + deflate), ("deflate", gzip),
            // Without zlib's frame of two bytes in front and four behind.
            ("deflate", Array(deflate.dropFirst(2).dropLast(4))),
        ]
        for (index, (encoding, body)) in cases.enumerated() {
            let response = try self.answer(body, encoding: encoding)
            #expect(response.status == 400, "case \(index)")
            #expect(response.body == #"{"success":false,"error":"malformed content encoding"}"#, "case \(index)")
        }
    }

    @Test("unknown codings: 415 with their name")
    func unknown() throws {
        let response = try self.answer([1], encoding: "ZIP")
        #expect(response.status == 415)
        #expect(response.body == #"{"success":false,"error":"unsupported content encoding \"zip\""}"#)
        #expect(try self.answer([1], encoding: "gzip, gzip").status == 415)
        #expect(try self.answer([1], encoding: "compress").status == 415)
        #expect(try self.answer([1], encoding: #"a"b"#).body.hasSuffix(#"encoding \"a\"b\""}"#))
    }

    @Test("an unknown coding is refused without asking for the body")
    func unknownWithExpectation() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        let fields = "Host: h\r\nContent-Encoding: zip\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
        try connection.send("POST / HTTP/1.1\r\n\(fields)\r\n")
        #expect(try connection.responses().map(\.status) == [415])
    }

    @Test("an unknown coding does not disturb an answer that was given before")
    func unknownAfterAnswer() throws {
        let connection = try EmbeddedConnection(
            handler: ClosureHandler { _, responder in
                responder.respond(HTTPResponse(status: .accepted))
                return .collect { _, _ in Issue.record("the body came") }
            }
        )
        let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: zip\r\nContent-Length: 3\r\n\r\nabc"
        try connection.send(request + request)
        #expect(try connection.responses().map(\.status) == [202, 202])
        #expect(!connection.isClosed)
        #expect(connection.log.all.isEmpty)
    }

    @Test("the limit holds for the decompressed body: at the limit and one over")
    func inflatedLimit() throws {
        var limits = HTTPLimits()
        limits.maximumBodyByteCount = Self.text.utf8.count
        #expect(try self.answer(try Self.gzip(Self.text), encoding: "gzip", limits: limits).status == 200)
        #expect(try self.answer(try Self.gzip(Self.text + "1"), encoding: "gzip", limits: limits).status == 413)
    }

    @Test("the ratio holds: at the limit and one over")
    func ratio() throws {
        let gzip = try Self.gzip(String(repeating: "a", count: 5_000))
        let ratio = 5_000 / gzip.count
        var limits = HTTPLimits()
        limits.maximumInflationRatio = ratio + 1
        #expect(try self.answer(gzip, encoding: "gzip", limits: limits).status == 200)
        limits.maximumInflationRatio = ratio
        #expect(try self.answer(gzip, encoding: "gzip", limits: limits).status == 413)
    }

    @Test("a bomb is given up early: the damage behind the limit is not even seen")
    func bomb() throws {
        var gzip = try compressed([UInt8](repeating: 0, count: 100 << 20), .gzip)
        for position in 10_000..<gzip.count { gzip[position] = 0xFF }
        #expect(try self.answer(gzip, encoding: "gzip").status == 413)
    }

    // MARK: Brotli and Zstandard

    private static let greeting = "hello, hello, hello, brotli and zstd!"
    /// `brotli -q 11 -w 16` of the greeting.
    private static let brotli: [UInt8] = [
        0x82, 0x04, 0x00, 0xBF, 0xE8, 0x0D, 0xAF, 0x97, 0xDF, 0x7B, 0x89, 0xA2, 0x56, 0x2B, 0x5C, 0x52, 0x15, 0x78,
        0xE4, 0xA9, 0x04, 0x60, 0x3A, 0x95, 0x00, 0x4D, 0xA4, 0x0F, 0x0F, 0x7D, 0x83, 0x7E, 0x2F, 0x14,
    ]
    /// `zstd -19` of the greeting.
    private static let zstandard: [UInt8] = [
        0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x68, 0xED, 0x00, 0x00, 0xB8, 0x68, 0x65, 0x6C, 0x6C, 0x6F, 0x2C, 0x20, 0x62,
        0x72, 0x6F, 0x74, 0x6C, 0x69, 0x20, 0x61, 0x6E, 0x64, 0x20, 0x7A, 0x73, 0x74, 0x64, 0x21, 0x01, 0x00, 0x92,
        0x8B, 0x11, 0x76, 0x08, 0xE9, 0xD1,
    ]
    /// `brotli -q 11` of 10 MiB of zeros.
    private static let brotliBomb: [UInt8] = [
        0x9F, 0xFF, 0xFF, 0x9F, 0xF8, 0x27, 0x00, 0xE2, 0xB1, 0x40, 0x20, 0xF7, 0xFE, 0x13,
    ]

    @Test("br and zstd are understood; frames of zstd are one body", arguments: [false, true])
    func modern(chunked: Bool) throws {
        let expected = "POST / \(Self.greeting)"
        #expect(try self.answer(Self.brotli, encoding: "br", chunked: chunked).body == expected)
        #expect(try self.answer(Self.zstandard, encoding: "ZSTD", chunked: chunked).body == expected)
        let twice = Self.zstandard + Self.zstandard
        #expect(try self.answer(twice, encoding: "zstd", chunked: chunked).body == expected + Self.greeting)
    }

    @Test("br and zstd that are damaged, cut at any place, or longer than their end: 400")
    func modernDamaged() throws {
        var cases: [(String, [UInt8])] = [
            ("br", Self.brotli + [0]), ("br", Self.brotli + Self.brotli), ("br", Self.zstandard),
            ("zstd", Self.zstandard + [0]), ("zstd", Self.brotli),
        ]
        for count in 1..<Self.brotli.count { cases.append(("br", Array(Self.brotli.prefix(count)))) }
        for count in 1..<Self.zstandard.count { cases.append(("zstd", Array(Self.zstandard.prefix(count)))) }
        // The last four bytes are zstd's checksum.
        var badChecksum = Self.zstandard
        badChecksum[badChecksum.count - 1] ^= 1
        cases.append(("zstd", badChecksum))
        // A frame that wants a window of 128 MiB.
        var wide = Self.zstandard
        wide[5] = 0x88
        cases.append(("zstd", wide))
        for (index, (encoding, body)) in cases.enumerated() {
            #expect(try self.answer(body, encoding: encoding).status == 400, "case \(index)")
        }
    }

    @Test("a bomb of brotli is given up at the ratio, one of zstd at the limit")
    func modernBombs() throws {
        #expect(try self.answer(Self.brotliBomb, encoding: "br").status == 413)
        var limits = HTTPLimits()
        limits.maximumBodyByteCount = 1000
        // `zstd -19` of a thousand times "a".
        let letters: [UInt8] = [
            0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x68, 0x45, 0x00, 0x00, 0x08, 0x61, 0x01, 0x00, 0xE4, 0x2B, 0x20, 0x04, 0x23,
            0x42, 0xDA, 0x2E,
        ]
        #expect(try self.answer(letters, encoding: "zstd", limits: limits).status == 200)
        limits.maximumBodyByteCount = 999
        #expect(try self.answer(letters, encoding: "zstd", limits: limits).status == 413)
    }

    @Test("random bytes in any coding are refused or taken, and nothing else")
    func noise() throws {
        var random = SystemRandomNumberGenerator()
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            for _ in 0..<200 {
                var body = [Self.brotli, Self.zstandard, try Self.gzip("hello")].randomElement(using: &random) ?? []
                for _ in 0..<Int.random(in: 1...4) {
                    body[Int.random(in: body.indices)] = UInt8.random(in: 0...255)
                }
                let status = try self.answer(body, encoding: encoding).status
                #expect([200, 400, 413].contains(status), "\(encoding): \(body)")
            }
        }
    }
}
