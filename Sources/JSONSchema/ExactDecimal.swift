import EventJSON

/// A decimal number of any size: `digits` × 10^`exponent`, without needless zeros.
struct ExactDecimal: Sendable, Hashable {
    /// Zero is never negative.
    let isNegative: Bool
    /// The significant digits, the first and the last not 0; empty for zero.
    let digits: [UInt8]
    let exponent: Int

    /// Exponents beyond this are taken for it: such numbers are all but infinite, or all but zero.
    private static let largestExponent = 1 << 40

    /// The number that a JSON number's text says.
    init(_ text: String) {
        var digits: [UInt8] = []
        var exponent = 0
        var isNegative = false
        var isFraction = false
        var power: Substring?
        for (offset, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where offset == 0: isNegative = true
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits.append(byte - UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            default: power = text[text.utf8.index(text.startIndex, offsetBy: offset + 1)...]
            }
            if power != nil { break }
        }
        if let power { exponent += Self.exponent(power) }
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        self.isNegative = isNegative && !digits.isEmpty
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
    }

    private static func exponent(_ text: Substring) -> Int {
        if let exponent = Int(text) { return min(max(exponent, -largestExponent), largestExponent) }
        return text.hasPrefix("-") ? -largestExponent : largestExponent
    }

    /// Whether there is no fraction.
    var isWhole: Bool { exponent >= 0 }

    /// Whether the number is a whole multiple of a divisor of at most 18 digits, which is greater than 0.
    func isMultiple(of divisor: ExactDecimal) -> Bool {
        if digits.isEmpty { return true }
        // digits × 10^(exponent − divisor.exponent) must be a multiple of the divisor's digits. As the digits do not
        // end in 0, nothing is left over for a divisor with more powers of ten.
        let shift = exponent - divisor.exponent
        guard shift >= 0 else { return false }
        let modulus = divisor.digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1) }
        var rest = digits.reduce(UInt64(0)) { rest, digit in
            let product = Self.product(rest, 10, modulo: modulus)
            return Self.sum(product, UInt64(digit) % modulus, modulo: modulus)
        }
        rest = Self.product(rest, Self.power(10 % modulus, shift, modulo: modulus), modulo: modulus)
        return rest == 0
    }

    private static func power(_ base: UInt64, _ exponent: Int, modulo modulus: UInt64) -> UInt64 {
        var result = 1 % modulus
        var base = base
        var exponent = exponent
        while exponent > 0 {
            if exponent & 1 == 1 { result = product(result, base, modulo: modulus) }
            base = product(base, base, modulo: modulus)
            exponent >>= 1
        }
        return result
    }

    private static func product(_ left: UInt64, _ right: UInt64, modulo modulus: UInt64) -> UInt64 {
        let full = left.multipliedFullWidth(by: right)
        return modulus.dividingFullWidth((full.high % modulus, full.low)).remainder
    }

    private static func sum(_ left: UInt64, _ right: UInt64, modulo modulus: UInt64) -> UInt64 {
        (left + right) % modulus
    }
}

extension ExactDecimal: Comparable {
    static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? right.isSmallerInMagnitude(than: left) : left.isSmallerInMagnitude(than: right)
    }

    private func isSmallerInMagnitude(than other: ExactDecimal) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        let (own, others) = (digits.count + exponent, other.digits.count + other.exponent)
        if own != others { return own < others }
        return digits.lexicographicallyPrecedes(other.digits)
    }
}
