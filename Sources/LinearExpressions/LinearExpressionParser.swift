/// Reads a pattern in JavaScript's syntax (without flags).
struct LinearExpressionParser {
    private typealias SyntaxError = LinearExpression.SyntaxError

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    /// Groups inside groups beyond this are refused.
    private static let maximumDepth = 64
    /// The largest count in `{n,m}`.
    private static let maximumRepetition = 1000

    init(_ pattern: String) {
        scalars = Array(pattern.unicodeScalars)
    }

    mutating func parse() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        let node = try alternatives()
        guard position == scalars.count else { throw error("unmatched )") }
        return node
    }

    private mutating func alternatives() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        var nodes = [try sequence()]
        while peek == "|" {
            position += 1
            nodes.append(try sequence())
        }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        var nodes: [LinearExpressionNode] = []
        while let next = peek, next != "|", next != ")" {
            nodes.append(try repeated(atom()))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func repeated(
        _ atom: LinearExpressionNode
    ) throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        let bounds: (minimum: Int, maximum: Int?)
        switch peek {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let counted = try countedBounds() else { return atom }
            bounds = counted
            position -= 1
        default: return atom
        }
        position += 1
        if case .assertion = atom { throw error("nothing to repeat") }
        // Greedy or lazy makes no difference to whether a text matches.
        if peek == "?" { position += 1 }
        return .repetition(atom, minimum: bounds.minimum, maximum: bounds.maximum)
    }

    /// The bounds of `{n}`, `{n,}` or `{n,m}` with the braces consumed; nil if the brace is an ordinary character.
    private mutating func countedBounds() throws(LinearExpression.SyntaxError) -> (minimum: Int, maximum: Int?)? {
        let start = position
        position += 1
        guard let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if peek == "," {
            position += 1
            maximum = number()
        }
        guard peek == "}" else {
            position = start
            return nil
        }
        position += 1
        guard minimum <= Self.maximumRepetition, (maximum ?? 0) <= Self.maximumRepetition else {
            throw error("repetition beyond \(Self.maximumRepetition)")
        }
        if let maximum, maximum < minimum { throw error("numbers out of order in {}") }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        let start = position
        while let digit = peek, ScalarClass.digit.contains(digit), position - start < 6 { position += 1 }
        return Int(String(String.UnicodeScalarView(scalars[start..<position])))
    }

    private mutating func atom() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        guard let next = peek else { return .empty }
        position += 1
        switch next {
        case ".": return .scalar(.notLineTerminator)
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case "(": return try group()
        case "[": return .scalar(try characterClass())
        case "\\": return try escape()
        case "*", "+", "?": throw error("nothing to repeat")
        case "{":
            position -= 1
            if try countedBounds() != nil { throw error("nothing to repeat") }
            position += 1
            return .scalar(.single(next))
        default: return .scalar(.single(next))
        }
    }

    private mutating func group() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        depth += 1
        guard depth <= Self.maximumDepth else { throw error("groups nested too deeply") }
        if peek == "?" {
            position += 1
            switch peek {
            case ":": position += 1
            case "<":
                position += 1
                if peek == "=" || peek == "!" { throw error("look-behind is not supported") }
                while let next = peek, next != ">" {
                    position += next.properties.isIDContinue || next == "$" ? 1 : scalars.count
                }
                guard peek == ">" else { throw error("malformed group name") }
                position += 1
            case "=", "!": throw error("look-ahead is not supported")
            default: throw error("malformed group")
            }
        }
        let node = try alternatives()
        guard peek == ")" else { throw error("missing )") }
        position += 1
        depth -= 1
        return node
    }

    private mutating func escape() throws(LinearExpression.SyntaxError) -> LinearExpressionNode {
        guard let next = peek else { throw error("the pattern ends with a backslash") }
        switch next {
        case "b":
            position += 1
            return .assertion(.wordBoundary)
        case "B":
            position += 1
            return .assertion(.notWordBoundary)
        case "1"..."9", "k": throw error("back references are not supported")
        default: return .scalar(try classEscape())
        }
    }

    /// The characters an escape stands for, inside or outside a class; `position` is after the backslash.
    private mutating func classEscape() throws(LinearExpression.SyntaxError) -> ScalarClass {
        guard let next = peek else { throw error("the pattern ends with a backslash") }
        position += 1
        switch next {
        case "d": return .digit
        case "D": return .digit.inverted
        case "w": return .word
        case "W": return .word.inverted
        case "s": return .space
        case "S": return .space.inverted
        case "n": return .single("\n")
        case "r": return .single("\r")
        case "t": return .single("\t")
        case "v": return .single("\u{0B}")
        case "f": return .single("\u{0C}")
        case "0": return .single("\u{00}")
        case "c": return .single(try control())
        case "x": return .single(try hexadecimal(digits: 2))
        case "u": return .single(try hexadecimal(digits: 4))
        case "p", "P": throw error("Unicode property escapes are not supported")
        default: return .single(next)
        }
    }

    /// The control character of a letter, as in `\cJ`.
    private mutating func control() throws(LinearExpression.SyntaxError) -> Unicode.Scalar {
        guard let letter = peek, letter.isASCII, letter.properties.isAlphabetic else {
            throw error("malformed control escape")
        }
        position += 1
        return Unicode.Scalar(UInt8(letter.value & 0x1F))
    }

    private mutating func hexadecimal(digits: Int) throws(LinearExpression.SyntaxError) -> Unicode.Scalar {
        let end = position + digits
        guard end <= scalars.count,
            let value = UInt32(String(String.UnicodeScalarView(scalars[position..<end])), radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw error("malformed hexadecimal escape") }
        position = end
        return scalar
    }

    private mutating func characterClass() throws(LinearExpression.SyntaxError) -> ScalarClass {
        var result = ScalarClass(ranges: [])
        if peek == "^" {
            result.isNegated = true
            position += 1
        }
        while let next = peek, next != "]" {
            let first = try classAtom()
            guard peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]",
                let lower = first.singleScalar
            else {
                result.ranges += first.positiveRanges
                continue
            }
            position += 1
            let last = try classAtom()
            guard let upper = last.singleScalar, lower <= upper else { throw error("range out of order in []") }
            result.ranges.append(lower...upper)
        }
        guard peek == "]" else { throw error("missing ]") }
        position += 1
        return result
    }

    private mutating func classAtom() throws(LinearExpression.SyntaxError) -> ScalarClass {
        guard let next = peek else { throw error("missing ]") }
        position += 1
        guard next == "\\" else { return .single(next) }
        if peek == "b" {
            position += 1
            return .single("\u{08}")
        }
        return try classEscape()
    }

    private var peek: Unicode.Scalar? {
        position < scalars.count ? scalars[position] : nil
    }

    private func error(_ fault: String) -> LinearExpression.SyntaxError {
        LinearExpression.SyntaxError(
            description: "regular expression: \(fault) at character \(min(position, scalars.count))"
        )
    }
}

extension ScalarClass {
    /// The character, if the class has exactly one.
    fileprivate var singleScalar: UInt32? {
        guard !isNegated, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
