/// A regular expression in JavaScript's syntax whose matching time grows only linearly with the text.
///
/// Expressions look at what strangers send, so one must not be a way to stall the collector. All
/// states are followed at once; nothing is ever tried again. Back references and look-around cannot be matched this
/// way and are refused.
///
/// Supported: literals, `.`, classes `[a-z]` `[^…]` `\d \w \s \D \W \S`, groups, alternation, `* + ? {n,m}` (also
/// lazy), `^ $ \b \B`, escapes `\n \t \cJ \xHH \uHHHH`. Matching is unanchored and works on Unicode scalars.
/// Syntax: [ECMAScript patterns](https://tc39.es/ecma262/#sec-patterns).
public struct LinearExpression: Sendable {
    /// Why a pattern was refused.
    public struct SyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
        /// What is wrong, and where it stands in the pattern.
        public let description: String
    }

    enum Instruction: Sendable {
        case scalar(ScalarClass)
        case split(Int, Int)
        case jump(Int)
        case assertion(Assertion)
        case match
    }

    enum Assertion: Sendable {
        case start, end, wordBoundary, notWordBoundary
    }

    /// The number of instructions beyond which a pattern is refused: `(a{100}){100}` would need more.
    static let maximumInstructionCount = 10_000

    private let program: [Instruction]

    /// Compiles a pattern.
    ///
    /// - Throws: `SyntaxError` if the pattern is malformed, too large, or uses what is not supported.
    public init(_ pattern: String) throws(SyntaxError) {
        var parser = LinearExpressionParser(pattern)
        let node = try parser.parse()
        var compiler = LinearExpressionCompiler()
        try compiler.append(node)
        program = compiler.program + [.match]
    }

    /// Whether the pattern occurs anywhere in the text.
    public func matches(_ text: String) -> Bool {
        var current = ThreadList(count: program.count)
        var next = ThreadList(count: program.count)
        var previous: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        var scalar = scalars.next()
        while true {
            if add(0, to: &current, previous: previous, next: scalar) { return true }
            guard let here = scalar else { return false }
            let following = scalars.next()
            for position in current.positions {
                if case .scalar(let scalarClass) = program[position], scalarClass.contains(here) {
                    if add(position + 1, to: &next, previous: here, next: following) { return true }
                }
            }
            swap(&current, &next)
            next.clear()
            previous = here
            scalar = following
        }
    }

    /// Follows everything that needs no character; returns whether the end of the program was reached.
    private func add(
        _ start: Int,
        to threads: inout ThreadList,
        previous: Unicode.Scalar?,
        next: Unicode.Scalar?
    ) -> Bool {
        var pending = [start]
        while let position = pending.popLast() {
            guard threads.insert(position) else { continue }
            switch program[position] {
            case .match: return true
            case .scalar: continue
            case .jump(let target): pending.append(target)
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .assertion(let assertion):
                if holds(assertion, previous: previous, next: next) { pending.append(position + 1) }
            }
        }
        return false
    }

    private func holds(_ assertion: Assertion, previous: Unicode.Scalar?, next: Unicode.Scalar?) -> Bool {
        let isBoundary = ScalarClass.word.containsOptional(previous) != ScalarClass.word.containsOptional(next)
        return switch assertion {
        case .start: previous == nil
        case .end: next == nil
        case .wordBoundary: isBoundary
        case .notWordBoundary: !isBoundary
        }
    }
}

/// The program positions reached at one place of the text, each once.
private struct ThreadList {
    private(set) var positions: [Int] = []
    private var isPresent: [Bool]

    init(count: Int) {
        isPresent = Array(repeating: false, count: count)
    }

    mutating func insert(_ position: Int) -> Bool {
        if isPresent[position] { return false }
        isPresent[position] = true
        positions.append(position)
        return true
    }

    mutating func clear() {
        for position in positions { isPresent[position] = false }
        positions.removeAll(keepingCapacity: true)
    }
}
