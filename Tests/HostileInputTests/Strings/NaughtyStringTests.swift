import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Each naughty string in every place where a stranger can put one: it is refused by a rule, or arrives byte for byte.
///
/// As data, nested and trigger, to Redis: `collectordTests/DaemonTests`.
@Suite("Naughty strings", .timeLimit(.minutes(2)))
struct NaughtyStringTests {
    private static func redis(_ server: RedisServer) -> String {
        #","redis":{"package":"redis","config":{"settings":{"redis":{"url":"unix://\#(server.socketPath)","streamKey":"events"}}}}"#
    }

    /// The events in the stream, as the bytes of their JSON.
    private func stream(_ server: RedisServer) throws -> [String] {
        try server.probe().command("XRANGE", "events", "-", "+").elements.map { entry in
            let fields = entry.elements[1].elements
            #expect(fields.count == 2 && fields[0].text == "event")
            return fields[1].text ?? ""
        }
    }

    @Test("in an event: name, data key and value, user id, id, context, nested, source; to a file and to Redis")
    func events() async throws {
        let strings = try NaughtyStrings.all()
        let server = try RedisServer()
        let daemon = try await HostileDaemon.start(destinations: Self.redis(server))
        let sent = strings.map { string -> JSONValue in
            [
                "name": .string(string + " view"), "data": .object([string: .string(string)]), "context": [:],
                "globals": [:], "custom": .object(["k": .string(string)]), "user": ["id": .string(string)],
                "nested": [["entity": .string(string)]], "consent": .object([string: true]),
                "id": .string("id" + string),
                "trigger": .string(string), "entity": .string(string), "action": .string(string),
                "timestamp": 1, "timing": 1,
                "source": .object([
                    "type": .string(string), "url": .string(string), "count": 1, "trace": .string(string),
                ]),
            ]
        }
        let statuses = try await daemon.converse { connection in
            try sent.map { try connection.post($0.jsonText).status }
        }
        var expected: [JSONValue] = []
        for (event, status) in zip(sent, statuses) {
            let isTaken = NaughtyStrings.isEventName(event["name"].string ?? "")
            #expect(status == (isTaken ? 200 : 400), "\(event["name"])")
            if isTaken { expected.append(event) }
        }
        let lines = try daemon.lines("plain")
        let entries = try stream(server)
        #expect(lines.count == expected.count)
        #expect(entries.map { Array($0.utf8) } == lines.map { Array($0.utf8) })
        for (line, event) in zip(lines, expected) {
            // All but the end of `source`, where the collector adds its release.
            let text = event.text.dropLast(2)
            #expect(Array(line.utf8.prefix(text.utf8.count)) == Array(text.utf8), "\(line)")
        }
        let probe = try server.probe()
        #expect(try probe.command("DBSIZE") == .integer(1))
        #expect(try probe.command("KEYS", "*").elements.map(\.text) == ["events"])
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    @Test("in the query of the pixel, percent-encoded and as it is")
    func pixel() async throws {
        let strings = try NaughtyStrings.all()
        let daemon = try await HostileDaemon.start()
        let statuses = try await daemon.converse { connection in
            try strings.enumerated().map { number, string in
                let value = NaughtyStrings.percentEncoded(string)
                connection.send(
                    "GET /collect?name=page%20view&id=n\(number)&data[value]=\(value) HTTP/1.1\r\nHost: h\r\n\r\n"
                )
                return try connection.answer()?.status
            }
        }
        #expect(statuses.allSatisfy { $0 == 200 || $0 == 414 })
        let values = try daemon.lines("plain").reduce(into: [String: JSONValue]()) { values, line in
            let event = try JSONValue(jsonText: line)
            values[event["id"].string ?? ""] = event["data"]["value"]
        }
        for (number, string) in strings.enumerated() where statuses[number] == 200 {
            // Values that look like numbers or booleans become such.
            let number = values["n\(number)"] ?? .missing
            let isCast =
                !JSONValue.string(string).javaScriptNumber.isNaN && !string.isEmpty
                || ["true", "false"].contains(string)
            #expect(
                isCast ? number.string == nil : number.string.map { Array($0.utf8) } == Array(string.utf8),
                "\(string)"
            )
        }
        try await sendRaw(
            strings.map { "GET /collect?name=page%20view&data[value]=\($0) HTTP/1.1\r\nHost: h\r\n\r\n" },
            daemon
        )
        try await daemon.expectUnharmed()
        await daemon.end()
    }

    /// Sends each request on a connection of its own, with a marker behind it: nothing but whole answers may come, and
    /// at most one more than requests were meant, for a string with a whole request in it does not occur.
    private func sendRaw(_ requests: [String], _ daemon: HostileDaemon) async throws {
        let port = daemon.port
        let answers = try await BlockingWork.run {
            try requests.map { request in
                let connection = try RawConnection(port: port)
                connection.send(request + "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                connection.closeOutput()
                var statuses: [Int] = []
                while let answer = try connection.answer() { statuses.append(answer.status) }
                return statuses
            }
        }
        for (request, statuses) in zip(requests, answers) {
            #expect((1...2).contains(statuses.count), "\(request) \(statuses)")
            #expect(!statuses.contains { $0 >= 500 }, "\(request) \(statuses)")
        }
    }

    @Test("in header fields, the write key and traceparent among them")
    func fields() async throws {
        let strings = try NaughtyStrings.all()
        let daemon = try await HostileDaemon.start(
            source: #","config":{"settings":{"keys":[{"id":"k","key":"0123456789abcdef"}]}}"#
        )
        let key = "Authorization: Bearer 0123456789abcdef\r\n"
        let port = daemon.port
        for (field, others) in [
            ("X-Naughty", key), ("traceparent", key), ("User-Agent", key), ("Origin", key), ("Authorization", ""),
            ("Authorization: Bearer 0123456789abcde", ""),
        ] {
            let answers = try await BlockingWork.run {
                try strings.enumerated().map { number, string -> HTTPAnswer? in
                    let connection = try RawConnection(port: port)
                    let field = field + (field.contains(":") ? "" : ":") + string
                    let body = JSONCase.event("\(number)", value: Array("1".utf8))
                    connection.send(
                        "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\(others)\(field)\r\n"
                            + "Content-Length: \(body.count)\r\n\r\n"
                    )
                    connection.send(body)
                    return try connection.answer()
                }
            }
            for (string, answer) in zip(strings, answers) {
                let status = try #require(answer).status
                if NaughtyStrings.isFieldValue(string) {
                    #expect(status == (others.isEmpty ? 401 : 200), "\(field) \(string)")
                } else if string.contains("\r\n") {
                    // The string begins a field of its own; at worst one without a colon.
                    #expect([200, 400, 401].contains(status), "\(field) \(string)")
                } else {
                    #expect(status == 400, "\(field) \(string)")
                }
            }
        }
        #expect(try daemon.lines("plain").allSatisfy { !$0.contains("Naughty") })
        // A trace that is none is not taken over.
        for line in try daemon.lines("plain") {
            let trace = try JSONValue(jsonText: line)["source"]["trace"].string ?? ""
            #expect(trace.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }, "\(trace)")
        }
        #expect(ProcessFigures.isRunning(daemon.process.identifier))
        await daemon.end()
    }

    @Test("in the path: found nowhere, and refused where it is no path")
    func paths() async throws {
        let strings = try NaughtyStrings.all()
        let daemon = try await HostileDaemon.start()
        let encoded = try await daemon.converse { connection in
            try strings.map { string in
                connection.send("GET /collect/x\(NaughtyStrings.percentEncoded(string)) HTTP/1.1\r\nHost: h\r\n\r\n")
                return try connection.answer()?.status
            }
        }
        #expect(encoded.allSatisfy { $0 == 404 || $0 == 414 })
        try await sendRaw(strings.map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }, daemon)
        #expect(try daemon.lines("plain").isEmpty)
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
