import EventJSON
import Foundation
import TestSupport

/// Texts of JSON, good and bad, that are sent to the daemon.
struct JSONCase: Sendable {
    /// What the case is about.
    let name: String
    /// The text, which may be no UTF-8.
    let bytes: [UInt8]
    /// The status of the answer when the text is a value inside an event.
    let status: Int
    /// The value's text as it is delivered.
    let delivered: [UInt8]?

    /// Our own cases. In the file a character from U+0000 to U+00FF stands for the byte of that number.
    static func own() throws -> [JSONCase] {
        try (Fixtures.json("hostile/json/cases.json").array ?? []).map { entry in
            JSONCase(
                name: entry["name"].string ?? "",
                bytes: latin1(entry["bytes"]) ?? [],
                status: entry["status"].number?.integer ?? 0,
                delivered: latin1(entry["delivered"])
            )
        }
    }

    private static func latin1(_ value: JSONValue) -> [UInt8]? {
        value.string.map { $0.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
    }

    /// An event with the text as a value of its data. What the text leaves open may be closed by what follows it.
    static func event(_ id: String, value: [UInt8]) -> [UInt8] {
        Array(
            #"{"name":"page view","id":"\#(id)","consent":{"analytics":true,"marketing":true},"data":{"list":[{"id":1}],"value":"#
                .utf8
        ) + value + Array("}}".utf8)
    }
}

/// nst/JSONTestSuite, which is not part of this repository: found by `COLLECTOR_VECTORS`.
enum JSONTestSuite {
    private static let folder = ProcessInfo.processInfo.environment["COLLECTOR_VECTORS"]
        .map { URL(filePath: $0).appending(path: "JSONTestSuite/test_parsing") }

    static let isHere = folder.map { FileManager.default.fileExists(atPath: $0.path) } ?? false

    /// The files whose names begin so, sorted.
    static func files(_ prefix: String) throws -> [(name: String, bytes: [UInt8])] {
        guard let folder else { return [] }
        let all = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try all.filter { $0.lastPathComponent.hasPrefix(prefix) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.deletingPathExtension().lastPathComponent, try Array(Data(contentsOf: $0))) }
    }
}
