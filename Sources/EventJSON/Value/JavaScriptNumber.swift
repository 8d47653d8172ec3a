/// JavaScript's text of a number: the shortest digits that read back as the same double, laid out by ECMA-262 6.1.6.1.20.
///
/// Swift finds the same digits; only their layout differs (`1e+21` for Swift's `1e+21`, `100` for `100.0`).
public enum JavaScriptNumber {
    /// The text of a double: `100`, `0.1`, `1e+21`, `1e-7`, `0` for minus zero, `NaN`, `Infinity`.
    ///
    /// ```swift
    /// JavaScriptNumber.text(of: 1e21)  // "1e+21"
    /// JavaScriptNumber.text(of: 100)   // "100"
    /// ```
    public static func text(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return "0" }
        if let integer = Int(exactly: value), integer.magnitude < 1 << 53 { return String(integer) }
        let sign = value < 0 ? "-" : ""
        return sign + layout(decimal(of: value.magnitude))
    }

    /// The significant digits and where the decimal point stands: 0.`digits` × 10^`point`.
    private struct Decimal {
        var digits: [UInt8]
        var point: Int
    }

    /// Takes Swift's shortest description apart.
    private static func decimal(of magnitude: Double) -> Decimal {
        var digits: [UInt8] = []
        var point = 0
        var exponent = 0
        var sawPoint = false
        var text = magnitude.description.utf8[...]
        if let mark = text.firstIndex(of: UInt8(ascii: "e")) {
            exponent = Int(Substring(text[text.index(after: mark)...])) ?? 0
            text = text[..<mark]
        }
        for byte in text {
            if byte == UInt8(ascii: ".") {
                sawPoint = true
            } else {
                digits.append(byte)
                if !sawPoint { point += 1 }
            }
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leadingZeros)
        return Decimal(digits: digits, point: point - leadingZeros + exponent)
    }

    private static func layout(_ decimal: Decimal) -> String {
        let digits = String(decoding: decimal.digits, as: UTF8.self)
        let count = decimal.digits.count
        let point = decimal.point
        if count <= point, point <= 21 {
            return digits + String(repeating: "0", count: point - count)
        }
        if point > 0, point <= 21 {
            return digits.prefix(point) + "." + digits.dropFirst(point)
        }
        if point > -6, point <= 0 {
            return "0." + String(repeating: "0", count: -point) + digits
        }
        let exponent = point - 1
        let mantissa = count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
        return mantissa + "e" + (exponent < 0 ? "-" : "+") + String(exponent.magnitude)
    }
}
