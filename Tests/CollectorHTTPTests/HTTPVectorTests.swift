import Collector
import CollectorTesting
import EventJSON
import Foundation
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import CollectorHTTP

/// The recorded requests to walkerOS's express and fetch sources.
@Suite("Recorded requests")
struct HTTPVectorTests {
    /// Recorded cases that we deliberately answer differently: the status that we give, and why.
    static let differences: [String: (status: Int, reason: String)] = [
        "express/004": (400, "an invalid event is refused even where answers come early"),
        "express/005": (400, "an invalid event is refused even where answers come early"),
        "express/006": (400, "an invalid event is refused even where answers come early"),
        "express/007": (400, "an invalid event is refused even where answers come early"),
        "express/009": (400, "a null user is the sender's fault"),
        "express/012": (400, "an invalid event is refused even where answers come early"),
        "express/013": (400, "an invalid event is refused even where answers come early"),
        "express/049": (400, "a null user is the sender's fault: sending it again would never help"),
        "express/053": (400, "members that are no objects are refused one by one"),
        "express/030": (404, "the text of a 404 is ours, in JSON"),
        "express/034": (404, "the text of a 404 is ours, in JSON"),
        "express/037": (405, "a known path with another method is 405"),
        "express/039": (404, "preflights of unknown paths are 404"),
        "express/084": (405, "a known path with another method is 405"),
        "express/085": (405, "a known path with another method is 405"),
        "express/086": (404, "the text of a 404 is ours, in JSON"),
    ]

    /// Refusals whose wording is the JSON parser's.
    static let ownWords: Set<String> = [
        "express/018", "express/021", "express/058", "express/059", "express/060", "express/061",
    ]

    @Test("request", .timeLimit(.minutes(1)), arguments: Fixtures.vectors("walkeros/http.json"))
    func request(_ vector: Vector) async throws {
        var problems = ConfigurationProblems()
        let style: HTTPSource.Style = vector.id.hasPrefix("fetch") ? .fetch : .express
        var config = vector.input["sourceConfig"].object ?? [:]
        // walkerOS's express source answers POST early unless told otherwise.
        if style == .express, !config.contains("async") { config["async"] = ["GET": false, "POST": true] }
        let source = HTTPSource(id: "http", style: style, config: config, problems: &problems)
        let mapping = Mapping(config, problems: &problems)
        #expect(problems.isEmpty, "\(problems.list)")
        let destination = DestinationConfiguration(
            vector.input["extra"]["dest"].object ?? [:],
            problems: &problems
        )
        let server = try await IngestServer(source, mapping: mapping, destination: destination)
        let answer = try await HTTPExchange.send(Self.bytes(of: vector.input["request"]), port: server.port)
        await compare(answer, vector, server)
        await server.stop()
    }

    private func compare(_ answer: HTTPAnswer, _ vector: Vector, _ server: IngestServer) async {
        let expected = vector.expected
        if let difference = Self.differences[vector.id] {
            #expect(answer.status == difference.status)
            return
        }
        #expect(answer.status == expected["status"].number?.integer)
        for header in expected["headers"].object ?? [:] where header.name != "content-length" {
            #expect(answer.headers[header.name] == header.value.string, "\(header.name)")
        }
        if answer.headers["content-type"]?.hasPrefix("application/json") == true, !answer.body.isEmpty {
            let body = (try? JSONValue(jsonText: answer.body)) ?? .missing
            if Self.ownWords.contains(vector.id) {
                #expect(body["success"] == false)
            } else {
                #expect(body.matchesRecorded(expected["body"]), "\(answer.text)")
            }
        } else if let base64 = expected["body"]["base64"].string {
            #expect(Data(answer.body).base64EncodedString() == base64)
        }
        let delivered = expected["delivered"].array ?? []
        await server.destination.settled(count: delivered.count)
        #expect(server.destination.deliveries.map(\.event.name) == delivered.compactMap { $0["name"].string })
        #expect(server.destination.deliveries.map { $0.event[.data] } == delivered.map { $0["data"] })
        let rejected = expected["status_counters"]["source"]["rejected"].number ?? expected["rejected"].number
        #expect(server.collector.status.sources["http"]?.rejectedCount ?? 0 == rejected?.integer ?? 0)
    }

    /// The request as bytes; bodies that were only described are made.
    private static func bytes(of request: JSONValue) -> [UInt8] {
        var headers = (request["headers"].object ?? [:]).map { ($0.name, $0.value.string ?? "") }
        var body = Array((request["body"].string ?? "").utf8)
        if let text = request["gzipOf"].string { body = gzip(Array(text.utf8)) }
        if let count = request["bodyBytes"].number?.integer {
            let start = Array((request["bodyStart"].string ?? "{\"name\":\"a b\",\"data\":{\"x\":\"").utf8)
            body = start + Array(repeating: UInt8(ascii: "y"), count: count - start.count - 3) + Array("\"}}".utf8)
        }
        let method = request["method"].string ?? "GET"
        let path = request["path"].string ?? "/"
        if request["transfer"] == "chunked" {
            headers.append(("Transfer-Encoding", "chunked"))
            var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            let size = String(body.count, radix: 16)
            return Array("\(text)\r\n\(size)\r\n".utf8) + body + Array("\r\n0\r\n\r\n".utf8)
        }
        return HTTPExchange.request(method, path, headers: headers, body: body)
    }

    /// A gzip member with one stored block.
    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        func littleEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        var checksum: UInt32 = .max
        for byte in bytes {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        let count = UInt16(bytes.count)
        let length = [UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
        let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1]
        return header + length + length.map { ~$0 } + bytes + littleEndian(~checksum) + littleEndian(UInt32(count))
    }

    @Test("queries", arguments: Fixtures.vectors("walkeros/mapping.json", kind: "query"))
    func query(_ vector: Vector) {
        let event = PixelQuery.event(ofTarget: vector.input["request"].string ?? "")
        #expect(JSONValue.object(event).text == vector.expected["text"].string)
    }

    @Test("casts", arguments: Fixtures.vectors("walkeros/mapping.json", kind: "cast"))
    func cast(_ vector: Vector) {
        #expect(PixelQuery.cast(vector.input["value"].string ?? "").text == vector.expected["value"].text)
    }

    @Test("lists", arguments: Fixtures.vectors("walkeros/mapping.json", kind: "batchResponse"))
    func list(_ vector: Vector) throws {
        let results = try (vector.input["outcomes"].array ?? []).map { outcome in
            var result = PushResult()
            result.event =
                outcome["id"].isMissing ? nil : try Event(jsonText: JSONValue.object(["id": outcome["id"]]).jsonText)
            result.error = outcome["error"].string
            return result
        }
        let response = IngestAnswers(HTTPSource(id: "http")).list(results, [:])
        #expect(Int(response.status.code) == vector.expected["status"].number?.integer)
        #expect(String(buffer: response.body) == vector.expected["body"].text)
    }
}

extension JSONValue {
    /// Whether the value is as recorded, where `<ms>` and the like stand for generated values.
    func matchesRecorded(_ recorded: JSONValue) -> Bool {
        if let text = recorded.string, text.hasPrefix("<"), text.hasSuffix(">") { return !isMissing }
        switch (self, recorded) {
        case (.object(let own), .object(let other)):
            return own.count == other.count && other.allSatisfy { own[$0.name].matchesRecorded($0.value) }
        case (.array(let own), .array(let other)):
            return own.count == other.count && zip(own, other).allSatisfy { $0.matchesRecorded($1) }
        default: return self == recorded
        }
    }
}
