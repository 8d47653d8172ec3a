import EventJSON

/// Lays mapping values out as the tables of a `TextProgram`.
struct TextProgramCompiler {
    private(set) var nodes: [TextProgram.Node] = []
    private(set) var sources: [MappingValue] = []
    private(set) var entries: [TextProgram.Entry] = []
    private(set) var lists: [Int32] = []
    private(set) var functions: [TextFunction] = []
    private(set) var paths: [TextProgram.Path] = []
    private(set) var steps: [TextSteps.Step] = []
    private(set) var pool: [UInt8] = []

    /// The node of a list: of its only value, or of the first that is there.
    mutating func node(_ list: MappingValueList) -> Int32 {
        // Failures are counted where a list is, so a value that may fail is kept in one.
        if list.values.count == 1, case .item = list.values[0] { return node(list.values[0]) }
        let values = list.values.map { node($0) }
        return add(.first(append(values, to: \.lists)), .nothing)
    }

    private mutating func node(_ value: MappingValue) -> Int32 {
        switch value {
        case .nothing: return add(.nothing, value)
        case .failure: return add(.failure, value)
        case .firstTruthy: return add(.tree, value)
        case .item(let item):
            let node = content(of: item)
            return add(node, value)
        }
    }

    private mutating func content(of item: MappingItem) -> TextProgram.Node {
        guard item.condition == nil, item.consent == nil, item.validate == nil else { return .tree }
        if item.isPlain, let key = item.key {
            return .plain(path: path(key), constant: append(item.constantText, to: \.pool))
        }
        switch item.structure {
        case .none:
            if let functions = item.textFunctions, let key = item.key, item.constant.isMissing {
                return .functions(path: path(key), append(functions, to: \.functions))
            }
            guard item.functions.isEmpty, item.key == nil, !item.constantText.isEmpty else { return .tree }
            return .constant(append(item.constantText, to: \.pool))
        case .map(let members) where item.functions.isEmpty:
            let list = members.map { member in
                TextProgram.Entry(prefix: append(member.prefix, to: \.pool), node: node(member.value))
            }
            return .map(append(list, to: \.entries))
        case .loop(.value(let scope), let element) where item.functions.isEmpty:
            guard let plain = scope.plain, let key = plain.key, plain.constant.isMissing else { return .tree }
            return .loop(path: path(key), element: node(element))
        case .set(let values) where item.functions.isEmpty:
            let list = values.map { node($0) }
            return .set(append(list, to: \.lists))
        default: return .tree
        }
    }

    mutating func path(_ path: MemberPath) -> Int32 {
        let list = path.steps.map { step in
            TextSteps.Step(name: append(step.quotedName, to: \.pool), index: step.textIndex)
        }
        let member = path.member.map { Int8($0.rawValue) } ?? -1
        paths.append(TextProgram.Path(member: member, steps: append(list, to: \.steps)))
        return Int32(paths.count - 1)
    }

    private mutating func add(_ node: TextProgram.Node, _ source: MappingValue) -> Int32 {
        nodes.append(node)
        sources.append(source)
        return Int32(nodes.count - 1)
    }

    private mutating func append<Element>(
        _ elements: [Element],
        to table: WritableKeyPath<Self, [Element]>
    ) -> TextSpan {
        let span = TextSpan(first: self[keyPath: table].count, count: elements.count)
        self[keyPath: table] += elements
        return span
    }
}
