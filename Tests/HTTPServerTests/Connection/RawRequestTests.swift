import Foundation
import HTTPServer
import NIOHTTP1
import Testing

/// Requests as bytes, one file for each rule: `Fixtures/http/<rule>.<expected>.raw`.
///
/// `400-close` is the status of the first answer and whether the connection ends with it. A marker request follows
/// each payload: on a connection that stays it must get the next answer, on one that ends it must get none. No
/// payload may make the handler see `/smuggled`.
@Suite struct RawRequestTests {
    struct Fixture: CustomStringConvertible, Sendable {
        let rule: String
        let status: Int
        let closes: Bool
        let bytes: [UInt8]

        var description: String { self.rule }

        init?(_ file: URL) {
            let parts = file.lastPathComponent.split(separator: ".")
            guard parts.count == 3, parts[2] == "raw", let bytes = try? Data(contentsOf: file) else { return nil }
            let expected = parts[1].split(separator: "-")
            guard let status = Int(expected[0]) else { return nil }
            self.rule = String(parts[0])
            self.status = status
            self.closes = expected.dropFirst() == ["close"]
            self.bytes = Array(bytes)
        }

        static let all: [Fixture] = {
            let folder = Bundle.module.bundleURL.appendingPathComponent("Fixtures/http")
            let files =
                (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
            return files.compactMap(Fixture.init).sorted { $0.rule < $1.rule }
        }()
    }

    private static let marker = Array("GET /marker HTTP/1.1\r\nHost: h\r\n\r\n".utf8)

    /// Sends what `parts` holds, one read each, and checks the answers.
    private func check(_ fixture: Fixture, parts: [[UInt8]]) throws {
        let paths = Shared<[String]>([])
        let connection = try EmbeddedConnection(
            handler: HTTPRequestHandler { request, responder in
                paths.append(String(request.head.path))
                responder.respond(HTTPResponse(status: .ok))
            }
        )
        for part in parts { try connection.send(part) }
        let responses = try connection.responses()
        #expect(responses.first?.status == fixture.status)
        #expect(!paths.value.contains("/smuggled"))
        if fixture.closes {
            #expect(responses.count == 1)
            #expect(responses.first?["Connection"] == "close")
            #expect(connection.isClosed || connection.isLingering)
        } else {
            #expect(responses.map(\.status) == [fixture.status, 200])
            #expect(paths.value.last == "/marker")
            #expect(!connection.isClosed && !connection.isLingering)
        }
    }

    @Test("there are fixtures")
    func fixtures() {
        #expect(Fixture.all.count >= 80)
    }

    @Test("in one read", arguments: Fixture.all)
    func whole(fixture: Fixture) throws {
        try self.check(fixture, parts: [fixture.bytes + Self.marker])
    }

    @Test("byte by byte", arguments: Fixture.all)
    func byteByByte(fixture: Fixture) throws {
        try self.check(fixture, parts: (fixture.bytes + Self.marker).map { [$0] })
    }
}
