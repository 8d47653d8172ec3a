import Collector
import EventJSON

/// How an event becomes a line of a file.
enum FileLine: Sendable {
    /// Its JSON text.
    case json
    /// Values separated by commas, quoted where they must be ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)).
    case csv([MemberPath])
    /// Values separated by tabs; tabs, line ends and backslashes are written `\t`, `\n`, `\r`, `\\`.
    case tsv([MemberPath])

    /// The first line of a new file: the paths; nil for JSON.
    var header: [UInt8]? {
        switch self {
        case .json: nil
        case .csv(let paths): Array((paths.map { Self.quoted($0.text) }.joined(separator: ",") + "\n").utf8)
        case .tsv(let paths): Array((paths.map { Self.escaped($0.text) }.joined(separator: "\t") + "\n").utf8)
        }
    }

    /// The event's line, with its end.
    func text(of event: Event) -> [UInt8] {
        switch self {
        case .json: event.json + [UInt8(ascii: "\n")]
        case .csv(let paths):
            Array((paths.map { Self.quoted(Self.cell($0, event)) }.joined(separator: ",") + "\n").utf8)
        case .tsv(let paths):
            Array((paths.map { Self.escaped(Self.cell($0, event)) }.joined(separator: "\t") + "\n").utf8)
        }
    }

    /// A value as text: nothing for missing and null, JSON for objects and arrays.
    private static func cell(_ path: MemberPath, _ event: Event) -> String {
        let value = path.value(in: event)
        switch value {
        case .missing, .null: return ""
        case .array, .object: return String(decoding: value.jsonText, as: UTF8.self)
        case .number(let number): return number.text
        default: return value.javaScriptString
        }
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
        return "\"" + text.flatMap { $0 == "\"" ? ["\"", "\""] : [$0] } + "\""
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\\": result += "\\\\"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
