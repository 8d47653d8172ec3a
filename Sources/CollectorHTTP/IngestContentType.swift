/// What a request says its body is.
enum IngestContentType: Equatable {
    /// JSON, under that name or as text/plain, which is what `sendBeacon` sends.
    case json
    /// JSON, one event a line.
    case lines
    /// Something else; the body is not looked at.
    case other
    /// JSON in a character set that is not UTF-8.
    case unsupportedCharacterSet(String)

    init(_ value: String?) {
        guard let value else {
            self = .other
            return
        }
        // What nearly all senders write.
        if value == "application/json" {
            self = .json
            return
        }
        let parts = value.split(separator: ";", omittingEmptySubsequences: false)
        let type = Self.trimmed(parts.first ?? "").lowercased()
        let isLines = Self.lineTypes.contains(type)
        guard isLines || type == "application/json" || type == "text/plain" else {
            self = .other
            return
        }
        for parameter in parts.dropFirst() {
            let halves = parameter.split(separator: "=", maxSplits: 1)
            guard halves.count == 2, Self.trimmed(halves[0]).lowercased() == "charset" else { continue }
            let name = Self.trimmed(halves[1]).replacingQuotes().uppercased()
            if name != "UTF-8" && name != "UTF8" && name != "US-ASCII" {
                self = .unsupportedCharacterSet(String(name.prefix(64)))
                return
            }
        }
        self = isLines ? .lines : .json
    }

    private static let lineTypes = ["application/x-ndjson", "application/ndjson", "application/jsonl"]

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        var end = start.endIndex
        while end > start.startIndex, [" ", "\t"].contains(start[start.index(before: end)]) {
            end = start.index(before: end)
        }
        return start[..<end]
    }
}

extension Substring {
    fileprivate func replacingQuotes() -> String {
        String(filter { $0 != "\"" })
    }
}
