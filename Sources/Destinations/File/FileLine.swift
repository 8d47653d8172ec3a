import Collector
import EventJSON

/// How an event becomes a line of a file.
struct FileLine: Sendable {
    private let format: FileSettings.Format
    private let content: FileSettings.Content
    private let paths: [MemberPath]
    private let escapesFormulas: Bool
    /// The first line of a new file, with its end: the paths; empty for JSON.
    let header: [UInt8]

    init(_ settings: FileSettings) {
        format = settings.format
        content = settings.content
        paths = settings.fields.map(MemberPath.init)
        escapesFormulas = settings.escapesFormulas
        var header: [UInt8] = []
        if settings.format != .jsonl {
            Self.append(cells: settings.fields, settings.format, to: &header)
        }
        self.header = header
    }

    /// Appends the event's line, with its end.
    func append(_ delivery: Delivery, to text: inout [UInt8]) {
        let usesData = content == .data && delivery.hasData
        if format == .jsonl {
            if usesData {
                text.append(contentsOf: delivery.dataJSON)
            } else {
                delivery.event.appendJSON(to: &text)
            }
            text.append(UInt8(ascii: "\n"))
            return
        }
        let data = usesData ? delivery.data : .missing
        let cells = paths.map { cell(usesData ? $0.value(in: data) : $0.value(in: delivery.event)) }
        Self.append(cells: cells, format, to: &text)
    }

    /// A value as text: nothing for missing and null, JSON for objects and arrays.
    private func cell(_ value: JSONValue) -> String {
        switch value {
        case .missing, .null: ""
        case .array, .object: String(decoding: value.jsonText, as: UTF8.self)
        case .number(let number): number.text
        case .string(let text) where escapesFormulas && Self.isFormula(text): "'" + text
        default: value.javaScriptString
        }
    }

    /// Whether a spreadsheet would calculate with the text
    /// ([CSV injection](https://owasp.org/www-community/attacks/CSV_Injection)).
    private static func isFormula(_ text: String) -> Bool {
        switch text.utf8.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), UInt8(ascii: "\t"),
            UInt8(ascii: "\r"):
            true
        default: false
        }
    }

    private static func append(cells: [String], _ format: FileSettings.Format, to text: inout [UInt8]) {
        for (position, cell) in cells.enumerated() {
            if position > 0 { text.append(format == .tsv ? UInt8(ascii: "\t") : UInt8(ascii: ",")) }
            if format == .tsv { appendEscaped(cell, to: &text) } else { appendQuoted(cell, to: &text) }
        }
        // A lone empty value would be an empty line, which readers pass over.
        if format == .csv, cells == [""] { text += Array("\"\"".utf8) }
        text.append(UInt8(ascii: "\n"))
    }

    /// Quotes a value if it must be.
    private static func appendQuoted(_ cell: String, to text: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let comma = UInt8(ascii: ",")
        guard cell.utf8.contains(where: { $0 == quote || $0 == comma || $0 == 0x0A || $0 == 0x0D }) else {
            text.append(contentsOf: cell.utf8)
            return
        }
        text.append(quote)
        for byte in cell.utf8 {
            if byte == quote { text.append(quote) }
            text.append(byte)
        }
        text.append(quote)
    }

    /// Writes tabs, line ends and backslashes as `\t`, `\n`, `\r`, `\\`.
    private static func appendEscaped(_ cell: String, to text: inout [UInt8]) {
        for byte in cell.utf8 {
            let letter: UInt8? =
                switch byte {
                case 0x09: UInt8(ascii: "t")
                case 0x0A: UInt8(ascii: "n")
                case 0x0D: UInt8(ascii: "r")
                case UInt8(ascii: "\\"): UInt8(ascii: "\\")
                default: nil
                }
            if letter != nil { text.append(UInt8(ascii: "\\")) }
            text.append(letter ?? byte)
        }
    }
}
