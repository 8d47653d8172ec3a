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

    /// The longest message, in bytes.
    private static let maximumMessageByteCount = 1024
    /// The longest value of a field, in bytes.
    private static let maximumValueByteCount = 256

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
            .map { (key: $0.key, value: LogText.shortened($0.value.description, to: Self.maximumValueByteCount)) }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let time = Date.now.formatted(style)
        let message = LogText.shortened(event.message.description, to: Self.maximumMessageByteCount)
        var line: String
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(time), "level": .string(event.level.rawValue), "logger": .string(label),
                "message": .string(message),
            ]
            for (key, value) in fields { object[key] = .string(value) }
            line = LogText.escapedJSON(String(decoding: JSONValue.object(object).jsonText, as: UTF8.self))
        case .text:
            line = "\(time) \(event.level.rawValue) \(label): \(LogText.escaped(message))"
            for (key, value) in fields { line += " \(key)=\(LogText.quoted(value))" }
        }
        line += "\n"
        // One write per line, which the system does not interleave with others.
        FileHandle.standardError.write(Data(line.utf8))
    }
}
