import EventJSON
import Foundation
import Logging

/// Writes each record as one line on standard error: text for people, JSON for machines.
///
/// Control characters are escaped and values cut, so that nothing a client sends can forge a line or fill the disk.
struct LineLogHandler: LogHandler {
    let label: String
    let format: LogOptions.Format
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// The longest value written, in characters.
    private static let maximumValueCount = 1024

    init(label: String, format: LogOptions.Format, level: Logger.Level) {
        self.label = label
        self.format = format
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
            .sorted { $0.key < $1.key }
            .map { (key: $0.key, value: Self.shortened($0.value.description)) }
        let time = Date.now.ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true))
        let message = Self.shortened(event.message.description)
        var line: [UInt8] = []
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(time), "level": .string(event.level.rawValue), "logger": .string(label),
                "message": .string(message),
            ]
            for (key, value) in fields { object[key] = .string(value) }
            object.appendJSON(to: &line)
        case .text:
            var text = "\(time) \(event.level.rawValue) \(label): \(Self.escaped(message))"
            for (key, value) in fields { text += " \(key)=\(Self.escaped(value))" }
            line = Array(text.utf8)
        }
        line.append(UInt8(ascii: "\n"))
        // One write per line, which the system does not interleave with others.
        FileHandle.standardError.write(Data(line))
    }

    private static func shortened(_ text: String) -> String {
        text.count > maximumValueCount ? text.prefix(maximumValueCount) + "…" : text
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.properties.generalCategory == .control:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
