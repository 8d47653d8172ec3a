import EventJSON

/// Writes data as the query of a URL: `a=1&b%5B0%5D=x` for `{"a": 1, "b": ["x"]}`.
enum QueryString {
    /// The query of an object or array; the escaped text of a scalar; empty for what JavaScript takes for false.
    static func text(of value: JSONValue) -> String {
        guard value.isTruthy else { return "" }
        var pairs: [String] = []
        switch value {
        case .object(let members): for member in members { append(member.value, under: member.name, to: &pairs) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { append(element, under: String(index), to: &pairs) }
        default: return escaped(value.javaScriptString)
        }
        return pairs.joined(separator: "&")
    }

    private static func append(_ value: JSONValue, under key: String, to pairs: inout [String]) {
        switch value {
        case .missing, .null: return
        case .object(let members):
            for member in members { append(member.value, under: "\(key)[\(member.name)]", to: &pairs) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { append(element, under: "\(key)[\(index)]", to: &pairs) }
        default: pairs.append("\(escaped(key))=\(escaped(value.javaScriptString))")
        }
    }

    /// JavaScript's `encodeURIComponent`.
    private static func escaped(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "!"), UInt8(ascii: "~"), UInt8(ascii: "*"), UInt8(ascii: "'"), UInt8(ascii: "("),
                UInt8(ascii: ")"):
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                result.append(digit(byte >> 4))
                result.append(digit(byte & 0xF))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
