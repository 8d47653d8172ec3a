import EventJSON

/// Reads an event from the query of a pixel request: `?name=page%20view&data[title]=Home&data[tags][0]=a`.
///
/// Values that look like numbers or booleans become such, as in walkerOS (so "007" is 7). Limits: 1 000 pairs,
/// 32 levels, array indices up to 1 000, and as many empty elements of arrays in all; what lies beyond is left out.
enum PixelQuery {
    private static let maximumPairCount = 1000
    private static let maximumDepth = 32
    private static let maximumIndex = 1000
    /// Elements that fill an array up to an index, in the whole query: eight bytes of it would else become thousands.
    private static let maximumFillingCount = 1000

    /// The event of a request target. Without a "?" the whole target is read as a query; a second "?" ends it.
    static func event(ofTarget target: String) -> JSONObject {
        let parts = target.split(separator: "?", maxSplits: 2, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1] : parts[0]
        var root = JSONValue.object([:])
        var fillingCount = 0
        for pair in query.split(separator: "&").prefix(maximumPairCount) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = decode(halves[0])
            let value = cast(halves.count > 1 ? decode(halves[1]) : "")
            let keys = key.split { $0 == "[" || $0 == "]" }.map(String.init)
            guard !keys.isEmpty, keys.count <= maximumDepth else { continue }
            set(value, at: keys[...], in: &root, &fillingCount)
        }
        return root.object ?? [:]
    }

    private static func set(
        _ value: JSONValue,
        at keys: ArraySlice<String>,
        in container: inout JSONValue,
        _ fillingCount: inout Int
    ) {
        guard let key = keys.first else {
            container = value
            return
        }
        let rest = keys.dropFirst()
        func change(_ member: inout JSONValue) {
            if let next = rest.first, !member.isTruthy { member = isNumber(next) ? .array([]) : .object([:]) }
            set(value, at: rest, in: &member, &fillingCount)
        }
        // While they are changed, members and elements are held once: each pair would else copy all before it.
        switch container {
        case .object(var members):
            container = .missing
            var member = members[key]
            members[key] = .missing
            change(&member)
            members[key] = member
            container = .object(members)
        case .array(var elements):
            guard let index = Int(key), 0...maximumIndex ~= index, String(index) == key else { return }
            let missingCount = max(0, index - elements.count)
            guard fillingCount + missingCount <= maximumFillingCount else { return }
            fillingCount += missingCount
            container = .missing
            while elements.count <= index { elements.append(.missing) }
            change(&elements[index])
            container = .array(elements)
        default: return
        }
    }

    /// Whether JavaScript's `parseInt` finds a number at the start of the key.
    private static func isNumber(_ key: String) -> Bool {
        let digits = key.drop { $0 == " " || $0 == "-" || $0 == "+" }
        return digits.first.map { $0.isASCII && $0.isNumber } ?? false
    }

    /// Form decoding: "+" is a space, `%41` a byte; a malformed escape stays as it is.
    static func decode(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var position = 0
        while position < source.count {
            let byte = source[position]
            if byte == UInt8(ascii: "%"), position + 2 < source.count,
                let high = digit(source[position + 1]), let low = digit(source[position + 2])
            {
                bytes.append(high << 4 | low)
                position += 3
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                position += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Text as the boolean or number that it looks like (walkerOS's `castValue`).
    static func cast(_ text: String) -> JSONValue {
        switch text {
        case "true": return true
        case "false": return false
        case "": return ""
        default:
            let number = JSONValue.string(text).javaScriptNumber
            return number.isNaN ? .string(text) : .number(JSONNumber(number))
        }
    }
}
