import EventJSON
import Foundation
import TestSupport

/// Strings that programs have choked on: ours, and the big list of naughty strings where `COLLECTOR_VECTORS` has it.
enum NaughtyStrings {
    static func all() throws -> [String] {
        var strings = try (Fixtures.json("strings/naughty.json").array ?? []).compactMap(\.string)
        if let folder = ProcessInfo.processInfo.environment["COLLECTOR_VECTORS"] {
            let list = try JSONValue(
                jsonText: Array(Data(contentsOf: URL(filePath: folder + "/blns/blns.json"))),
                limits: JSONLimits(maximumByteCount: 1 << 24)
            )
            strings += (list.array ?? []).compactMap(\.string)
        }
        return strings
    }

    /// Every byte but letters and digits as `%41`.
    static func percentEncoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            let digits = String(byte, radix: 16)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
        .joined()
    }

    /// Whether the text may stand in a field's value: RFC 9110, 5.5 excludes control characters but the tab.
    static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 9 || ($0 >= 0x20 && $0 != 0x7F) }
    }

    /// Whether the text's first two words, separated by single spaces, are an event's name.
    static func isEventName(_ text: String) -> Bool {
        let words = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        return words.count > 1 && !words[0].isEmpty && !words[1].isEmpty
    }
}
