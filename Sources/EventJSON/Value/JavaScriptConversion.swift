/// JavaScript's conversions, where the walkerOS behaviour rests on them.
extension JSONValue {
    /// Whether JavaScript takes the value for true: not missing, null, false, 0, NaN or "".
    public var isTruthy: Bool {
        switch self {
        case .missing, .null: false
        case .bool(let bool): bool
        case .number(let number): !(number.double == 0 || number.isNotANumber)
        case .string(let string): !string.isEmpty
        case .array, .object: true
        }
    }

    /// JavaScript's `String(value)`: `undefined`, `null`, `true`, `1e+21`, `1,2` for an array, `[object Object]`.
    public var javaScriptString: String {
        switch self {
        case .missing: "undefined"
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let number): JavaScriptNumber.text(of: number.double)
        case .string(let string): string
        case .array(let elements):
            elements.map { $0.isMissing || $0.isNull ? "" : $0.javaScriptString }.joined(separator: ",")
        case .object: "[object Object]"
        }
    }

    /// JavaScript's `Number(value)`: NaN for missing, 0 for null, 1 for true, the number a string reads as.
    public var javaScriptNumber: Double {
        switch self {
        case .missing, .object: .nan
        case .null: 0
        case .bool(let bool): bool ? 1 : 0
        case .number(let number): number.double
        case .string(let string): Self.number(from: string)
        case .array: Self.number(from: javaScriptString)
        }
    }

    /// The number JavaScript reads from a string: surrounding white space ignored, "" is 0, `0x`, `0o`, `0b` prefixes.
    private static func number(from string: String) -> Double {
        let text = string.trimmingJavaScriptWhiteSpace()
        if text.isEmpty { return 0 }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.lowercased().hasPrefix(prefix) {
            return wholeNumber(text.dropFirst(2), radix: radix)
        }
        switch text {
        case "Infinity", "+Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: return isDecimalLiteral(text) ? Double(padded(text)) ?? .nan : .nan
        }
    }

    private static func wholeNumber(_ digits: Substring, radix: Int) -> Double {
        guard !digits.isEmpty else { return .nan }
        var result = 0.0
        for digit in digits {
            guard let value = digit.hexDigitValue, value < radix, digit.isASCII else { return .nan }
            result = result * Double(radix) + Double(value)
        }
        return result
    }

    /// Whether the text is digits with at most one point, and an optional exponent: what JavaScript calls a StrDecimalLiteral.
    private static func isDecimalLiteral(_ text: Substring) -> Bool {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        func dropDigits() -> Int {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(digits)
            return digits
        }
        var digits = dropDigits()
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            digits += dropDigits()
        }
        guard digits > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
            guard dropDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// Swift reads neither `.5` nor `5.`; both are numbers to JavaScript.
    private static func padded(_ text: Substring) -> String {
        var result = ""
        var previous: Character = "-"
        for character in text {
            if character == ".", !previous.isNumber { result.append("0") }
            if previous == ".", !character.isNumber { result.append("0") }
            result.append(character)
            previous = character
        }
        return previous == "." ? result + "0" : result
    }
}

extension String {
    /// The string without leading and trailing white space as JavaScript's `trim` sees it (with U+FEFF).
    public func trimmingJavaScriptWhiteSpace() -> Substring {
        if let ascii = trimmingASCIIWhiteSpace() { return ascii }
        let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace && $0.value != 0x85 || $0.value == 0xFEFF }
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return Substring(scalars[first...last])
    }

    /// The trimmed string if plain ASCII shows where it begins and ends; nil if Unicode must be asked.
    private func trimmingASCIIWhiteSpace() -> Substring? {
        var copy = self
        let range = copy.withUTF8 { bytes -> Range<Int>? in
            func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }
            var range = 0..<bytes.count
            while let first = range.first, isSpace(bytes[first]) { range.removeFirst() }
            while let last = range.last, isSpace(bytes[last]) { range.removeLast() }
            let isPlain = range.isEmpty || (bytes[range.lowerBound] < 0x80 && bytes[range.upperBound - 1] < 0x80)
            return isPlain ? range : nil
        }
        guard let range else { return nil }
        if range.count == utf8.count { return self[...] }
        let start = utf8.index(startIndex, offsetBy: range.lowerBound)
        return self[start..<utf8.index(start, offsetBy: range.count)]
    }
}
