/// Where an event goes next: walkerOS's routes, compiled.
///
/// ```json
/// "redact"                                                        that transformer, then its own "next"
/// ["redact", "enrich"]                                            exactly these, in order
/// {"match": {"key": "ingest.method", …}, "next": "redact"}        only where the condition holds
/// {"one": [{"match": …, "next": "a"}, "b"]}                       the first whose condition holds
/// {"many": ["a", {"match": …, "next": "b"}]}                      all whose conditions hold, each a delivery of its own
/// ["redact", {"match": …, "next": "enrich"}, "sign"]              one after the other
/// ```
///
/// An array of objects alone is `one`. `many` ends the way: what stands behind it is not reached. Conditions look at
/// `ingest…` and, where there is one, `event…`.
public struct Route: Sendable {
    indirect enum Node: Sendable {
        /// A step, followed by its own next steps.
        case step(String)
        /// Exactly these steps.
        case steps([String])
        case sequence([Node])
        case gate(Matcher, Node?)
        case one([Choice])
        case many([Choice])
    }

    /// An entry of `one` or `many`.
    struct Choice: Sendable {
        let matcher: Matcher
        let node: Node?
    }

    /// A step that the route names, and where in the configuration it does.
    package struct Target: Sendable, Equatable {
        package let id: String
        package let path: [String]
        /// Whether the transformer's own `next` follows.
        package let isFollowed: Bool
    }

    let root: Node
    package let targets: [Target]
    /// Where the route divides.
    package let divisions: [[String]]

    /// The way of an event for which conditions look at that subject.
    public func way(for subject: borrowing MatcherSubject) -> Way {
        way(of: root, for: subject) ?? Way()
    }

    /// Notes every step that the route names and that does not exist: an event must not pass by a step that was meant
    /// to change it.
    public func refuseUnknownSteps(known: [String], problems: inout ConfigurationProblems) {
        for target in targets where !known.contains(target.id) {
            let hint =
                NearestName.find(target.id, in: known).map { "did you mean \"\($0)\"?" }
                ?? (known.isEmpty ? "there are none" : "known are \(known.sorted().joined(separator: ", "))")
            problems.add(target.path, "there is no transformer \"\(target.id)\"; \(hint)")
        }
    }

    /// The way under a node; nil where a condition does not hold or nothing is named.
    private func way(of node: Node, for subject: borrowing MatcherSubject) -> Way? {
        switch node {
        case .step(let id): return Way(steps: [Step(id: id, isFollowed: true)])
        case .steps(let ids): return Way(steps: ids.map { Step(id: $0, isFollowed: false) })
        case .gate(let matcher, let inner):
            guard matcher.matches(subject), let inner else { return nil }
            return way(of: inner, for: subject)
        case .sequence(let nodes):
            var way = Way()
            for node in nodes where way.branches.isEmpty {
                guard let next = self.way(of: node, for: subject) else { continue }
                way.steps += next.steps
                way.branches = next.branches
            }
            return way
        case .one(let choices):
            for choice in choices where choice.matcher.matches(subject) {
                guard let inner = choice.node else { return nil }
                return way(of: inner, for: subject)
            }
            return nil
        case .many(let choices):
            var branches: [[Step]] = []
            for choice in choices where choice.matcher.matches(subject) {
                guard let inner = choice.node, let branch = way(of: inner, for: subject) else { continue }
                branches += branch.ways.filter { !$0.isEmpty }
            }
            return branches.count == 1 ? Way(steps: branches[0]) : Way(branches: branches)
        }
    }
}

extension Route {
    /// A step on a way.
    public struct Step: Sendable, Equatable {
        /// The transformer's id.
        public let id: String
        /// Whether the transformer's own `next` follows.
        public let isFollowed: Bool
    }

    /// The steps that an event takes.
    public struct Way: Sendable, Equatable {
        /// The steps in order; empty to go on without any.
        public var steps: [Step] = []
        /// Where the way divides after its steps: at least two, or none. Each is a delivery of its own.
        public var branches: [[Step]] = []

        /// Every way from beginning to end.
        var ways: [[Step]] { branches.isEmpty ? [steps] : branches.map { steps + $0 } }
    }
}
