import Collector
import CollectorTesting
import EventJSON
import Testing

@testable import Destinations

/// How events become lines.
@Suite("file: lines", .timeLimit(.minutes(1)))
struct FileLineTests {
    /// Reads RFC 4180 text, as its grammar says.
    private static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var bytes = Array(text.utf8)[...]
        func finishCell() {
            row.append(String(decoding: cell, as: UTF8.self))
            cell = []
        }
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && bytes.first == byte: cell.append(bytes.removeFirst())
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: finishCell()
            case UInt8(ascii: "\n") where !isQuoted:
                finishCell()
                rows.append(row)
                row = []
            default: cell.append(byte)
            }
        }
        return rows
    }

    /// Text that breaks careless tables.
    private static let texts = [
        "", "plain", "a,b", "\"", "\"\"", "a\"b", "a\nb", "a\r\nb", "\r", ",", "\",\"", "\n\n", " a ", "é\u{1F600}",
        "\t", "\\",
        "\\t", "'", "=1+1",
    ]

    @Test("csv is read back as it was")
    func csv() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.csv"), "format": "csv", "fields": ["data.a", "data.b,c"],
        ])
        let data: [JSONObject] = Self.texts.map { ["a": .string($0), "b,c": .string($0 + $0)] }
        #expect(try await destination.deliver(data: data).allSatisfy(\.isDelivered))
        try await destination.destroy(house.context)
        #expect(Self.rows(try house.text("e.csv")) == [["data.a", "data.b,c"]] + Self.texts.map { [$0, $0 + $0] })
    }

    @Test("a lone empty value is a row, too")
    func loneEmptyValue() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.csv"), "format": "csv", "fields": ["data.none"],
        ])
        _ = try await destination.deliver(numbers: 0..<2)
        #expect(try house.text("e.csv") == "data.none\n\"\"\n\"\"\n")
        try await destination.destroy(house.context)
    }

    @Test("tsv is one line an event, and is read back by undoing the escapes")
    func tsv() async throws {
        let house = try FileHouse()
        let destination = try await house.destination([
            "filename": house.setting("e.tsv"), "format": "tsv", "fields": ["data.a", "data.b"],
        ])
        _ = try await destination.deliver(data: Self.texts.map { ["a": .string($0), "b": 1.5] })
        try await destination.destroy(house.context)
        let lines = try house.text("e.tsv").split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
            .dropLast()
        let read = lines.map { line -> String in
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
            #expect(cells.count == 2 && cells.last == "1.5")
            var text = ""
            var isEscaped = false
            for scalar in (cells.first ?? "").unicodeScalars {
                if isEscaped {
                    text.unicodeScalars.append(["t": "\t", "n": "\n", "r": "\r"][scalar] ?? scalar)
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
            return text
        }
        #expect(read == Self.texts)
    }

    @Test("formulas are kept, or written behind an apostrophe; numbers are no formulas")
    func formulas() async throws {
        let house = try FileHouse()
        let values: [JSONValue] = ["=1", "+1", "-1", "@x", "\tx", "\rx", "a=1", -5, ""]
        for (setting, prefix) in [("keep", ""), ("escape", "'")] {
            let destination = try await house.destination([
                "filename": house.setting(setting), "format": "csv", "fields": ["data.a", "name"],
                "formulas": .string(setting),
            ])
            _ = try await destination.deliver(data: values.map { ["a": $0] })
            try await destination.destroy(house.context)
            let cells = Self.rows(try house.text(setting)).dropFirst().map { $0[0] }
            #expect(
                Array(cells) == ["=1", "+1", "-1", "@x", "\tx", "\rx"].map { prefix + $0 } + ["a=1", "-5", ""]
            )
        }
    }

    @Test("the content is the event, or what mapping made of it, in every format")
    func content() async throws {
        let house = try FileHouse()
        let event = try Event(jsonText: Array(#"{"name":"a b","data":{"x":1}}"#.utf8))
        let batch = DeliveryBatch([Delivery(event: event, data: ["x": [2]]), Delivery(event: event)])
        for (format, content, expected) in [
            ("jsonl", "event", "\(#"{"name":"a b","data":{"x":1}}"#)\n\(#"{"name":"a b","data":{"x":1}}"#)\n"),
            ("ndjson", "data", "\(#"{"x":[2]}"#)\n\(#"{"name":"a b","data":{"x":1}}"#)\n"),
            ("csv", "event", "x,name\n,a b\n,a b\n"), ("csv", "data", "x,name\n[2],\n,a b\n"),
            ("tsv", "data", "x\tname\n[2]\t\n\ta b\n"),
        ] {
            let name = "\(format)-\(content)"
            let destination = try await house.destination([
                "filename": house.setting(name), "format": .string(format), "content": .string(content),
                "fields": ["x", "name"],
            ])
            #expect(await destination.deliver(batch).allSatisfy(\.isDelivered))
            try await destination.destroy(house.context)
            #expect(try house.text(name) == expected, "\(name)")
        }
    }
}
