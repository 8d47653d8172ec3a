import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// Whatever arrives: the way it is cut into reads makes no difference, and nothing breaks.
@Suite struct SplitTests {
    /// xorshift64*: the same numbers in every run.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state ^= self.state >> 12
            self.state ^= self.state << 25
            self.state ^= self.state >> 27
            return self.state &* 2_685_821_657_736_338_717
        }
    }

    private static let inserts: [[UInt8]] = [
        [13, 10], [13], [10], [0], [58], [32], [9], [0x80], Array("0\r\n\r\n".utf8),
        Array("Content-Length: 1\r\n".utf8),
        Array("Transfer-Encoding: chunked\r\n".utf8), Array("Expect: 100-continue\r\n".utf8),
    ]

    private func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes.remove(at: position)
            case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 2:
                bytes.insert(
                    contentsOf: Self.inserts[Int.random(in: 0..<Self.inserts.count, using: &generator)],
                    at: position
                )
            default: bytes.swapAt(position, Int.random(in: 0..<bytes.count, using: &generator))
            }
        }
        return bytes
    }

    /// What the client and the handler see when the bytes arrive in these reads.
    private func outcome(_ reads: [ArraySlice<UInt8>]) throws -> [String] {
        let seen = Shared<[String]>([])
        let connection = try EmbeddedConnection(
            handler: HTTPRequestHandler(maximumBodyByteCount: 64) { request, responder in
                seen.append("\(request.head.method.rawValue) \(request.head.uri) \(request.body.readableBytes)")
                responder.respond(HTTPResponse(status: .ok))
            }
        )
        for read in reads { try connection.send(Array(read)) }
        let statuses = try connection.responses().map { "\($0.status)" }
        let end = connection.isClosed ? "closed" : connection.isLingering ? "lingering" : "open"
        return seen.value + statuses + [end]
    }

    @Test("mutated requests, in one read, byte by byte, and cut at random", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(seed: UInt64) throws {
        var generator = Generator(state: seed &* 0x9E37_79B9_7F4A_7C15)
        let marker = Array("GET /marker HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        for fixture in RawRequestTests.Fixture.all {
            for _ in 0..<4 {
                let bytes = self.mutated(fixture.bytes + marker, &generator)
                let whole = try self.outcome([bytes[...]])
                let single = try self.outcome(bytes.indices.map { bytes[$0...$0] })
                let cut = Int.random(in: 0...bytes.count, using: &generator)
                let halves = try self.outcome([bytes[..<cut], bytes[cut...]])
                #expect(whole == single, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
                #expect(whole == halves, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
        }
    }
}
