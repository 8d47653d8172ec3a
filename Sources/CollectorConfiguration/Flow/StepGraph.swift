import Collector

/// Which transformers lead to which, so that ways without an end are seen before any event goes them.
struct StepGraph {
    /// A transformer on a way, and whether its own `next` follows.
    private struct Node: Hashable {
        let id: String
        let isFollowed: Bool
    }

    private let steps: [String: StepOptions]
    private let order: [String]
    private var finished: Set<Node> = []
    private var trail: [Node] = []

    init(_ transformers: [TransformerRegistration]) {
        steps = Dictionary(transformers.map { ($0.id, $0.steps) }) { _, last in last }
        order = transformers.map(\.id)
    }

    private func targets(of node: Node) -> [Route.Target] {
        guard let options = steps[node.id] else { return [] }
        return (options.before?.targets ?? []) + (node.isFollowed ? options.next?.targets ?? [] : [])
    }

    /// Notes every circle, at the route that closes it.
    mutating func refuseCircles(problems: inout ConfigurationProblems) {
        for id in order {
            visit(Node(id: id, isFollowed: true), problems: &problems)
            visit(Node(id: id, isFollowed: false), problems: &problems)
        }
    }

    private mutating func visit(_ node: Node, problems: inout ConfigurationProblems) {
        if finished.contains(node) { return }
        trail.append(node)
        for target in targets(of: node) {
            let next = Node(id: target.id, isFollowed: target.isFollowed)
            guard let start = trail.firstIndex(of: next) else {
                visit(next, problems: &problems)
                continue
            }
            let circle = (trail[start...].map(\.id) + [next.id]).joined(separator: " → ")
            if !problems.list.contains(where: { $0.path == target.path }) {
                problems.add(target.path, "transformers go round in a circle: \(circle); take this step out")
            }
        }
        trail.removeLast()
        finished.insert(node)
    }

    /// Notes the steps of a destination's routes behind which a way divides: what a destination gets for an event is
    /// one delivery.
    func refuseDivisions(behind options: StepOptions, problems: inout ConfigurationProblems) {
        for target in (options.before?.targets ?? []) + (options.next?.targets ?? []) {
            guard let id = division(from: Node(id: target.id, isFollowed: target.isFollowed)) else { continue }
            problems.add(
                target.path,
                "leads to the \"next\" of transformer \"\(id)\", which divides; a route cannot divide here, use \"one\""
            )
        }
    }

    /// The first transformer on the ways from a node whose `next` divides.
    private func division(from start: Node) -> String? {
        var seen: Set<Node> = [start]
        var waiting = [start]
        while let node = waiting.popLast() {
            if node.isFollowed, steps[node.id]?.next?.divisions.isEmpty == false { return node.id }
            for target in targets(of: node) {
                let next = Node(id: target.id, isFollowed: target.isFollowed)
                if seen.insert(next).inserted { waiting.append(next) }
            }
        }
        return nil
    }
}
