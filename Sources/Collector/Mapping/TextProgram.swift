import EventJSON

/// The values of a mapping, or of one of its rules, compiled for text: plain numbers in flat tables, so that nothing is
/// retained and no tree is made while an event is mapped.
///
/// It says the same as the `MappingValue`s it is made of, which stay beside it for what needs a tree.
final class TextProgram: Sendable {
    /// A path: the event's member that its first step names, or -1, and all its steps.
    struct Path {
        let member: Int8
        let steps: TextSpan
    }

    /// A value.
    enum Node {
        case nothing
        /// A null literal stands where a value belongs.
        case failure
        /// What stands at the path, else a constant from the pool.
        case plain(path: Int32, constant: TextSpan)
        case functions(path: Int32, TextSpan)
        case constant(TextSpan)
        /// An object: a span of the entries.
        case map(TextSpan)
        /// An array: the element's node for each item of the array at the path.
        case loop(path: Int32, element: Int32)
        /// An array: a span of the lists.
        case set(TextSpan)
        /// The first value that is there: a span of the lists.
        case first(TextSpan)
        /// Only a tree can say.
        case tree
    }

    /// A member of a `map`.
    struct Entry {
        /// The name as JSON text and a colon, in the pool.
        let prefix: TextSpan
        let node: Int32
    }

    /// An entry of a policy: where a value is written, and which.
    struct Policy {
        let path: Int32
        let node: Int32
    }

    /// The tables while they are lent: valid as long as the program is.
    struct Tables {
        let nodes: UnsafePointer<Node>
        let entries: UnsafePointer<Entry>
        let lists: UnsafePointer<Int32>
        let functions: UnsafePointer<TextFunction>
        let paths: UnsafePointer<Path>
        let steps: UnsafePointer<TextSteps.Step>
        let pool: UnsafePointer<UInt8>

        func path(_ index: Int32) -> (member: EventMember?, steps: TextSteps) {
            let path = paths[Int(index)]
            let list = UnsafeBufferPointer(start: steps + Int(path.steps.first), count: Int(path.steps.count))
            return (EventMember(rawValue: Int(path.member)), TextSteps(names: pool, steps: list))
        }

        func bytes(_ span: TextSpan) -> UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: pool + Int(span.first), count: Int(span.count))
        }
    }

    let policy: [Policy]
    /// The node of the data, or -1.
    let data: Int32
    /// The values the nodes are made of, by node.
    let sources: [MappingValue]
    private let nodes: [Node]
    private let entries: [Entry]
    private let lists: [Int32]
    private let functions: [TextFunction]
    private let paths: [Path]
    private let steps: [TextSteps.Step]
    private let pool: [UInt8]

    init(policy: [MappingPolicy], data: MappingValueList?) {
        var compiler = TextProgramCompiler()
        self.policy = policy.map { Policy(path: compiler.path($0.path), node: compiler.node($0.value)) }
        self.data = data.map { compiler.node($0) } ?? -1
        sources = compiler.sources
        nodes = compiler.nodes
        entries = compiler.entries
        lists = compiler.lists
        functions = compiler.functions
        paths = compiler.paths
        steps = compiler.steps
        pool = compiler.pool
    }

    /// Lends the tables.
    @inline(__always)
    func withTables<Result>(_ body: (Tables) -> Result) -> Result {
        // A table that is empty is never read, so its pointer may be any.
        nodes.withUnsafeBufferPointer { nodes in
            entries.withUnsafeBufferPointer { entries in
                lists.withUnsafeBufferPointer { lists in
                    functions.withUnsafeBufferPointer { functions in
                        paths.withUnsafeBufferPointer { paths in
                            steps.withUnsafeBufferPointer { steps in
                                pool.withUnsafeBufferPointer { pool in
                                    body(
                                        Tables(
                                            nodes: Self.start(nodes),
                                            entries: Self.start(entries),
                                            lists: Self.start(lists),
                                            functions: Self.start(functions),
                                            paths: Self.start(paths),
                                            steps: Self.start(steps),
                                            pool: Self.start(pool)
                                        )
                                    )
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func start<Element>(_ table: UnsafeBufferPointer<Element>) -> UnsafePointer<Element> {
        table.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<Element>.alignment).unsafelyUnwrapped
    }
}
