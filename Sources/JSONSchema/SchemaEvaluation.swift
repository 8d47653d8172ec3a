import EventJSON

/// Looks at one value with a compiled schema.
struct SchemaEvaluation {
    enum Step {
        case name(String)
        case index(Int)
    }

    let nodes: [SchemaBox]
    /// Whether everything that is wrong is noted; otherwise the first fault ends the evaluation.
    var collectsIssues: Bool
    private(set) var issues: [JSONSchemaIssue] = []
    private var path: [Step] = []
    private var count = 0
    private var depth = 0
    private var isGivenUp = false

    init(nodes: [SchemaBox], collectsIssues: Bool) {
        self.nodes = nodes
        self.collectsIssues = collectsIssues
    }

    /// Whether the value is as the node says.
    mutating func isValid(_ value: JSONValue, _ root: Int) -> Bool {
        var seen: SeenParts?
        let isValid = check(value, root, &seen)
        if isGivenUp {
            // Under a "not" giving up would look like success, so it is looked at in the end.
            path = []
            issues = []
            report("would take too long to check")
        }
        return isValid && !isGivenUp
    }

    /// Looks at the value with one node. `seen` gathers the parts that were looked at, where somebody asks.
    mutating func check(_ value: JSONValue, _ index: Int, _ seen: inout SeenParts?) -> Bool {
        count += 1
        guard count <= CompiledSchema.maximumEvaluationCount, depth < CompiledSchema.maximumEvaluationDepth else {
            isGivenUp = true
            return false
        }
        if isGivenUp { return false }
        depth += 1
        let result = check(value, nodes[index], &seen)
        depth -= 1
        return result
    }

    private mutating func check(_ value: JSONValue, _ box: SchemaBox, _ seen: inout SeenParts?) -> Bool {
        if let verdict = box.node.verdict {
            if !verdict { report("is not allowed") }
            return verdict
        }
        guard let parts = unevaluated(box, of: value) else { return checkKnown(value, box, &seen) }
        var own: SeenParts? = SeenParts(count: value.partCount)
        var isValid = checkKnown(value, box, &own)
        if isValid || collectsIssues, !checkUnseen(of: value, parts, &own) { isValid = false }
        if let own { seen?.merge(own) }
        return isValid
    }

    /// The schema for parts that nothing else looks at, where the value has parts.
    private func unevaluated(_ box: SchemaBox, of value: JSONValue) -> Int? {
        switch value {
        case .object: box.node.unevaluatedProperties
        case .array: box.node.unevaluatedItems
        default: nil
        }
    }

    private mutating func checkUnseen(of value: JSONValue, _ node: Int, _ seen: inout SeenParts?) -> Bool {
        var isValid = true
        for position in 0..<value.partCount where seen?.contains(position) == false {
            let part: (step: Step, value: JSONValue)
            switch value {
            case .object(let members):
                let member = members.members[position]
                if member.value.isMissing { continue }
                part = (.name(member.name), member.value)
            default: part = (.index(position), value[position])
            }
            if !check(part.value, at: part.step, node) {
                isValid = false
                if !collectsIssues { return false }
            }
            seen?.insert(position)
        }
        return isValid
    }

    private mutating func checkKnown(_ value: JSONValue, _ box: SchemaBox, _ seen: inout SeenParts?) -> Bool {
        var isValid = true
        if let types = box.node.types, !types.allow(value) {
            report("must be \(types.names), not \(value.isMissing ? "null" : value.kindName)")
            isValid = false
        }
        if let constant = box.node.constant, ExactValue(value) != constant {
            report("must be the constant of the schema")
            isValid = false
        }
        if let enumeration = box.node.enumeration, !enumeration.contains(ExactValue(value)) {
            report("must be one of the values of \"enum\"")
            isValid = false
        }
        if !isValid, !collectsIssues { return false }
        switch value {
        case .number(let number):
            if let assertions = box.node.numbers, number.isFinite, !check(number, assertions) { isValid = false }
        case .string(let text):
            if let assertions = box.node.texts, !check(text, assertions) { isValid = false }
        case .object(let members):
            if let assertions = box.node.objects, !check(members, assertions, &seen) { isValid = false }
        case .array(let elements):
            if let assertions = box.node.arrays, !check(elements, assertions, &seen) { isValid = false }
        case .missing, .null, .bool: break
        }
        for applicator in box.node.applicators {
            if !isValid, !collectsIssues { return false }
            if !check(value, applicator, &seen) { isValid = false }
        }
        return isValid
    }

    /// Looks at a part of the value.
    mutating func check(_ part: JSONValue, at step: Step, _ node: Int) -> Bool {
        var nothing: SeenParts?
        guard collectsIssues else { return check(part, node, &nothing) }
        path.append(step)
        let isValid = check(part, node, &nothing)
        path.removeLast()
        return isValid
    }

    /// Looks at the value without noting what is wrong, and keeps what was seen only if nothing is.
    mutating func tries(_ value: JSONValue, _ node: Int, _ seen: inout SeenParts?) -> Bool {
        let collected = collectsIssues
        collectsIssues = false
        var copy = seen
        let isValid = check(value, node, &copy)
        if isValid { seen = copy }
        collectsIssues = collected
        return isValid
    }

    /// Notes what is wrong with the part that is being looked at.
    mutating func report(_ message: @autoclosure () -> String) {
        guard collectsIssues, issues.count < CompiledSchema.maximumIssueCount else { return }
        issues.append(JSONSchemaIssue(path: pointer, message: message()))
    }

    private static let longestName = 64

    private var pointer: String {
        path.reduce(into: "#") { pointer, step in
            switch step {
            case .name(let name):
                let isLong = name.count > Self.longestName
                pointer += "/" + JSONPointer.encode(isLong ? name.prefix(Self.longestName) + "…" : name)
            case .index(let index): pointer += "/\(index)"
            }
        }
    }
}

/// A node behind one reference, so that an evaluation does not copy it.
final class SchemaBox: Sendable {
    let node: SchemaNode

    init(_ node: SchemaNode) {
        self.node = node
    }
}

/// Which members of an object, or elements of an array, a schema has looked at.
struct SeenParts {
    private var isSeen: [Bool]

    init(count: Int) {
        isSeen = Array(repeating: false, count: count)
    }

    func contains(_ position: Int) -> Bool { isSeen[position] }

    mutating func insert(_ position: Int) { isSeen[position] = true }

    mutating func merge(_ other: SeenParts) {
        for position in isSeen.indices where other.isSeen[position] { isSeen[position] = true }
    }
}

extension JSONValue {
    /// How many members or elements there are.
    fileprivate var partCount: Int {
        switch self {
        case .object(let members): members.count
        case .array(let elements): elements.count
        default: 0
        }
    }
}
