/// A parsed regular expression.
indirect enum LinearExpressionNode: Sendable, Equatable {
    case empty
    case scalar(ScalarClass)
    case assertion(LinearExpression.Assertion)
    case sequence([LinearExpressionNode])
    case alternatives([LinearExpressionNode])
    case repetition(LinearExpressionNode, minimum: Int, maximum: Int?)
}

/// Turns a parsed expression into instructions.
struct LinearExpressionCompiler {
    private(set) var program: [LinearExpression.Instruction] = []

    mutating func append(_ node: LinearExpressionNode) throws(LinearExpression.SyntaxError) {
        switch node {
        case .empty: break
        case .scalar(let scalarClass): try emit(.scalar(scalarClass))
        case .assertion(let assertion): try emit(.assertion(assertion))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .alternatives(let nodes): try append(alternatives: nodes[...])
        case .repetition(let node, let minimum, let maximum):
            for _ in 0..<minimum { try append(node) }
            if let maximum {
                try append(optional: node, times: maximum - minimum)
            } else {
                try append(star: node)
            }
        }
    }

    private mutating func append(
        alternatives nodes: ArraySlice<LinearExpressionNode>
    ) throws(LinearExpression.SyntaxError) {
        guard let first = nodes.first else { return }
        guard nodes.count > 1 else { return try append(first) }
        let split = program.count
        try emit(.split(split + 1, 0))
        try append(first)
        let jump = program.count
        try emit(.jump(0))
        program[split] = .split(split + 1, program.count)
        try append(alternatives: nodes.dropFirst())
        program[jump] = .jump(program.count)
    }

    private mutating func append(
        optional node: LinearExpressionNode,
        times: Int
    ) throws(LinearExpression.SyntaxError) {
        var splits: [Int] = []
        for _ in 0..<times {
            splits.append(program.count)
            try emit(.split(program.count + 1, 0))
            try append(node)
        }
        for split in splits { program[split] = .split(split + 1, program.count) }
    }

    private mutating func append(star node: LinearExpressionNode) throws(LinearExpression.SyntaxError) {
        let split = program.count
        try emit(.split(split + 1, 0))
        try append(node)
        try emit(.jump(split))
        program[split] = .split(split + 1, program.count)
    }

    private mutating func emit(_ instruction: LinearExpression.Instruction) throws(LinearExpression.SyntaxError) {
        guard program.count < LinearExpression.maximumInstructionCount else {
            throw LinearExpression.SyntaxError(
                description: "the regular expression is too large; use smaller repetitions"
            )
        }
        program.append(instruction)
    }
}
