import Collector
import CollectorTesting
import Crypto
import EventJSON
import TestSupport
import Testing

@testable import CollectorHTTP

@Suite("Signed bodies")
struct SignatureTests {
    private static let secret = "a-secret-that-is-long-enough"
    private static let event = #"{"name":"page view"}"#

    /// The field's value as a sender computes it.
    private static func signature(_ body: [UInt8], seconds: Int, secret: String = secret) -> String {
        let text = Array("\(seconds).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: Array(secret.utf8)))
        return "t=\(seconds),v1=" + code.map { Self.hexadecimal($0) }.joined()
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }

    private func source(_ more: [WriteKey] = []) -> HTTPSource {
        var source = HTTPSource(id: "http")
        let key = WriteKey(id: "signer", signingSecret: Self.secret, eventsPerSecond: 1, tags: ["tenant": "s"])
        source.writeKeys = WriteKeys([key] + more, burstCount: 3)
        return source
    }

    private func post(
        _ body: [UInt8],
        _ fields: [(String, String)],
        type: String = "application/json",
        port: Int
    ) async throws -> HTTPAnswer {
        try await HTTPExchange.send(
            HTTPExchange.request("POST", "/collect", headers: [("Content-Type", type)] + fields, body: body),
            port: port
        )
    }

    @Test("a body signed a short time ago is taken, with the key's tags and rate; anything else is not")
    func signed() async throws {
        let time = ManualTime(nowMilliseconds: 1_700_000_000_000)
        let bearer = WriteKey(id: "bearer", key: "a-key-that-is-long-enough")
        let server = try await IngestServer(source([bearer]), time: time.collectorTime)
        let body = Array(Self.event.utf8)
        func status(_ field: String, _ body: [UInt8] = Array(Self.event.utf8)) async throws -> Int {
            try await post(body, [("X-Collectord-Signature", field)], port: server.port).status
        }
        let good = Self.signature(body, seconds: 1_700_000_000)
        #expect(try await status(good) == 200)
        #expect(try await status(good.uppercased().replacing("T=", with: "t=").replacing("V1=", with: "v1=")) == 200)
        #expect(try await status(Self.signature(body, seconds: 1_699_999_700) + ",v2=future") == 200)
        // The rate is the signer's.
        #expect(try await status(good) == 429)
        time.advance(milliseconds: 10_000)
        let other = Array(#"{"name":"page view","id":"x"}"#.utf8)
        #expect(try await status(good, other) == 401)
        #expect(try await status(Self.signature(body, seconds: 1_700_000_010, secret: "another-secret-of-mine")) == 401)
        #expect(try await status(Self.signature(body, seconds: 1_699_999_709)) == 401)
        #expect(try await status(Self.signature(body, seconds: 1_700_000_311)) == 401)
        for malformed in ["", "t=1", "v1=00", "t=x,v1=\(good.suffix(64))", good + "0", "t=-1,v1=\(good.suffix(64))"] {
            #expect(try await status(malformed) == 401, "\(malformed)")
        }
        // The secret itself is no key to send.
        #expect(try await post(body, [("Authorization", "Bearer \(Self.secret)")], port: server.port).status == 401)
        let bearerFields = [("Authorization", "Bearer a-key-that-is-long-enough")]
        #expect(try await post(body, bearerFields, port: server.port).status == 200)
        #expect(
            server.destination.deliveries.map { $0.event[.source]["tenant"] } == ["s", "s", "s", .missing]
        )
        await server.stop()
    }

    @Test("the signature is of the body, however it is compressed; lines cannot be signed")
    func encodings() async throws {
        let time = ManualTime(nowMilliseconds: 1_700_000_000_000)
        let server = try await IngestServer(source(), time: time.collectorTime)
        let body = Array(Self.event.utf8)
        let field = ("X-Collectord-Signature", Self.signature(body, seconds: 1_700_000_000))
        let compressed = try CompressedText.make(body, "gzip")
        #expect(try await post(compressed, [field, ("Content-Encoding", "gzip")], port: server.port).status == 200)
        #expect(try await post(body, [field], type: "application/x-ndjson", port: server.port).status == 401)
        await server.stop()
    }

    @Test("a signing secret in a flow, and what does not go with it")
    func configuration() throws {
        func read(_ key: JSONValue) throws -> HTTPSource {
            var problems = ConfigurationProblems()
            let config: JSONObject = ["settings": ["keys": [key]]]
            let source = HTTPSource(id: "http", style: .express, config: config, problems: &problems)
            if let problem = problems.list.first { throw problem }
            return source
        }
        #expect(try read(["id": "a", "secret": .string(Self.secret)]).writeKeys != nil)
        for unusable: JSONValue in [
            ["id": "a", "secret": "short"], ["id": "a", "secret": .string(Self.secret), "key": .string(Self.secret)],
        ] {
            #expect(throws: ConfigurationProblem.self) { try read(unusable) }
        }
    }
}
