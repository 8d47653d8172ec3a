import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Whatever strangers send, the log stays one record a line, and no record is longer than it may be.
@Suite("Naughty strings in the log", .timeLimit(.minutes(2)))
struct NaughtyLogTests {
    /// More that a log could choke on: long, of one endless character, and imitating the log itself.
    private static let strings = [
        String(repeating: "long", count: 50_000),
        "a" + String(repeating: "\u{301}", count: 100_000),
        "\n2026-01-01T00:00:00.000Z error http: forged",
        "\r{\"level\":\"error\",\"message\":\"forged\"}",
        "x level=error destination=forged", "\u{1B}]0;title\u{7}\u{1B}[2J", "\u{9B}31m", "\u{85}next", "\u{2028}next",
        "\u{202E}desrever", "\u{200F}", "\u{7F}", "\"quoted\" \\\" back", "\u{E0041}tag",
    ]

    /// Events whose file is named by themselves: all but a few names are refused and logged with the event's name.
    private func records(_ arguments: [String]) async throws -> [String] {
        let strings = try NaughtyStrings.all() + Self.strings
        let directory = try TemporaryDirectory()
        let named =
            #","named":{"package":"file","config":{"settings":{"directory":"\#(directory.path)","filename":{"key":"data.file"},"fsync":"never"},"mapping":{"honest":{"event":{"ignore":true}}}}}"#
        let daemon = try await HostileDaemon.start(destinations: named, arguments: arguments)
        _ = try await daemon.converse { connection in
            for string in strings {
                let event: JSONValue = [
                    "name": .string("x" + string + " " + string), "data": ["file": .string("/" + string)],
                    "trigger": .string(string),
                ]
                _ = try connection.post(event.jsonText)
                _ = try connection.post(Array(string.utf8))
            }
        }
        try await daemon.expectUnharmed()
        let lines = await daemon.end().errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        #expect(lines.count > strings.count)
        return lines.map(String.init)
    }

    /// Whether a terminal, a pager or an editor takes the character for what it is: something to show.
    private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    @Test("text: each line is a record, control characters are escaped, values are cut at 256 bytes")
    func text() async throws {
        for line in try await records(["--log-level", "trace"]) {
            #expect(line.unicodeScalars.allSatisfy(isPlain), "\(line.debugDescription)")
            let words = line.split(separator: " ", maxSplits: 3)
            #expect(words.count == 4 && words[0].count == 24 && words[0].hasSuffix("Z"), "\(line)")
            #expect(["trace", "debug", "info", "notice", "warning", "error", "critical"].contains(words[1]))
            #expect(words[2].hasSuffix(":"))
            // A value with a space is in quotes, so that nothing in it looks like another field.
            #expect(!line.contains(" destination=forged") || line.contains(" event=\"x"), "\(line)")
            #expect(line.utf8.count < 2048 * 4)
        }
    }

    @Test("JSON: each line is an object of texts, none longer than 256 bytes")
    func json() async throws {
        for line in try await records(["--log-format", "json", "--log-level", "trace"]) {
            #expect(line.unicodeScalars.allSatisfy(isPlain), "\(line.debugDescription)")
            let record = try #require(try JSONValue(jsonText: line).object)
            for name in ["time", "level", "logger", "message"] { #expect(record[name].string != nil) }
            for member in record where member.name != "message" {
                let text = try #require(member.value.string)
                #expect(text.utf8.count <= 256 + "…".utf8.count, "\(member.name)")
            }
        }
    }
}
