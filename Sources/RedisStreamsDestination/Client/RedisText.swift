/// Text from the other side, made safe for a log line.
enum RedisText {
    /// The longest text kept, in bytes before escaping.
    static let maximumBytes = 256

    /// Redis repeats the arguments of an unknown command in its answer; they may hold an event.
    private static let argumentsMarker = ", with args beginning with"

    /// One line: control characters escaped, cut at ``maximumBytes``, without any repeated arguments.
    static func printable(_ bytes: some Collection<UInt8>) -> String {
        let isCut = bytes.count > maximumBytes
        let text = String(decoding: bytes.prefix(maximumBytes), as: UTF8.self)
        var result = ""
        for scalar in withoutArguments(text[...]).unicodeScalars {
            append(scalar, to: &result)
        }
        return isCut ? result + "..." : result
    }

    private static func withoutArguments(_ text: Substring) -> Substring {
        var rest = text
        while let comma = rest.firstIndex(of: ",") {
            if rest[comma...].hasPrefix(argumentsMarker) {
                return text[..<comma]
            }
            rest = rest[rest.index(after: comma)...]
        }
        return text
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar {
        case "\r": result += "\\r"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\\": result += "\\\\"
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
    }
}
