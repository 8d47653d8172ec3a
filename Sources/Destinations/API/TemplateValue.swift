import EventJSON

/// How a template writes one value, and which it refuses.
enum TemplateValue {
    /// Why a value cannot stand where a template wants it.
    struct Refusal: Error {
        /// The end of a sentence that begins with the value's path.
        let reason: String
    }

    /// Whether a default takes the value's place. In a URL that is so for the empty text as well, since `/users/` names
    /// something else than `/users/1`.
    static func isMissing(_ value: JSONValue, _ writing: APITemplate.Writing) -> Bool {
        switch (value, writing) {
        case (.missing, _): true
        case (.null, .json): false
        case (.null, _): true
        case (.string(let text), .path), (.string(let text), .query): text.isEmpty
        default: false
        }
    }

    /// Appends the value.
    static func write(
        _ value: JSONValue,
        _ writing: APITemplate.Writing,
        to text: inout [UInt8]
    ) throws(Refusal) {
        switch writing {
        case .path:
            let scalar = try scalar(value)
            // Servers take "." and ".." as steps, percent-encoded or not, and some decode "%2F" before they do.
            let steps = scalar.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
            if steps.contains(where: { $0 == "." || $0 == ".." }) {
                throw Refusal(reason: "holds the step \".\" or \"..\", which would lead to another place")
            }
            percentEncode(scalar, to: &text)
        case .query: percentEncode(try scalar(value), to: &text)
        case .header:
            let scalar = try scalar(value)
            if scalar.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                throw Refusal(reason: "holds a control character, which no header field may")
            }
            text += scalar.utf8
        case .json: value.appendJSON(to: &text)
        case .jsonString:
            let inside = value.string ?? String(decoding: value.jsonText, as: UTF8.self)
            text += JSONValue.string(inside).jsonText.dropFirst().dropLast()
        }
    }

    private static func scalar(_ value: JSONValue) throws(Refusal) -> String {
        switch value {
        case .string(let text): return text
        case .bool(let bool): return bool ? "true" : "false"
        case .number(let number) where number.isFinite: return number.text
        default: throw Refusal(reason: "is no text, number or boolean but \(value.kindName)")
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Leaves only what RFC 3986 calls unreserved.
    private static func percentEncode(_ string: String, to text: inout [UInt8]) {
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(byte)
            default:
                text.append(UInt8(ascii: "%"))
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
    }
}
