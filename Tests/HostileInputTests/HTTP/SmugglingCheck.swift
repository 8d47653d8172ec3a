import EventJSON
import Foundation
import TestSupport
import Testing

/// Sends bytes that may hold more than they seem, a marker behind them, and judges what the daemon made of them.
struct SmugglingCheck {
    /// What came back on the connection.
    struct Result: Sendable {
        /// The statuses of the answers, the marker's not among them.
        let statuses: [Int]
        /// Whether the marker was answered as what it is.
        let hasMarker: Bool
    }

    /// Asks for what nobody else asks for, so that its answer cannot be taken for another's.
    private static let marker = "GET /ready HTTP/1.1\r\nHost: h\r\n\r\n"

    /// Sends the bytes and then the marker, closes the sending side, and reads all answers.
    ///
    /// - Throws: when what comes back is no sequence of whole answers, or nothing comes.
    static func send(_ bytes: [UInt8], to port: Int) throws -> Result {
        let connection = try RawConnection(port: port)
        connection.send(bytes + Array(marker.utf8))
        connection.closeOutput()
        var answers: [HTTPAnswer] = []
        while let answer = try connection.answer() { answers.append(answer) }
        let hasMarker = answers.last?.text == #"{"status":"ready"}"#
        return Result(statuses: (hasMarker ? answers.dropLast() : answers).map(\.status), hasMarker: hasMarker)
    }

    /// The ids of the events that a strict reading of the bytes finds in requests of their own.
    static func expectedIDs(_ bytes: [UInt8]) -> Set<String> {
        var ids: Set<String> = []
        for request in StrictRequestReader.requests(bytes + Array(marker.utf8)) {
            ids.formUnion(self.ids(in: request.target))
            if let value = try? JSONValue(jsonText: request.body) {
                for event in value.array ?? value["batch"].array ?? [value] {
                    if let id = event["id"].string { ids.insert(id) }
                }
            }
        }
        return ids
    }

    /// The `id` of a pixel's query.
    private static func ids(in target: [UInt8]) -> [String] {
        let query = target.split(separator: UInt8(ascii: "?"), maxSplits: 1).last ?? []
        return query.split(separator: UInt8(ascii: "&")).filter { $0.starts(with: "id=".utf8) }.map { pair in
            let text = String(decoding: pair.dropFirst(3), as: UTF8.self).replacing("+", with: " ")
            return text.removingPercentEncoding ?? text
        }
    }
}
