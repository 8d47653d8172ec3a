public import EventJSON

extension Route {
    /// Compiles a route; nil if there is none. What cannot be honoured is added to `problems`.
    ///
    /// - Parameter allowsMany: Whether the route may divide; behind the collector it may not.
    public init?(
        _ value: JSONValue,
        allowsMany: Bool = true,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        var compiler = RouteCompiler(allowsMany: allowsMany, problems: problems)
        let root = compiler.node(value, path: path)
        problems = compiler.problems
        guard let root else { return nil }
        self.root = root
        targets = compiler.targets
        divisions = compiler.divisions
    }
}

/// Turns a route into nodes and collects the steps that it names.
private struct RouteCompiler {
    let allowsMany: Bool
    var problems: ConfigurationProblems
    var targets: [Route.Target] = []
    var divisions: [[String]] = []
    private var depth = 0

    /// Routes inside routes beyond this are refused.
    private static let maximumDepth = 32
    private static let operators = ["next", "one", "many"]
    private static let shape =
        "a route is a transformer's id, an array of routes, or an object of \"match\" and one of \"next\", \"one\", \"many\""

    init(allowsMany: Bool, problems: ConfigurationProblems) {
        self.allowsMany = allowsMany
        self.problems = problems
    }

    mutating func node(_ value: JSONValue, path: [String]) -> Route.Node? {
        guard depth < Self.maximumDepth else {
            problems.add(path, "routes nested too deeply")
            return nil
        }
        depth += 1
        let node = shallow(value, path: path)
        depth -= 1
        return node
    }

    private mutating func shallow(_ value: JSONValue, path: [String]) -> Route.Node? {
        switch value {
        case .missing: return nil
        case .string(let id):
            note(id, path: path, isFollowed: true)
            return .step(id)
        case .array(let elements): return list(elements, path: path)
        case .object(let members): return object(members, path: path)
        case .null, .bool, .number:
            problems.add(path, Self.shape)
            return nil
        }
    }

    private mutating func note(_ id: String, path: [String], isFollowed: Bool) {
        targets.append(Route.Target(id: id, path: path, isFollowed: isFollowed))
    }

    private mutating func list(_ elements: [JSONValue], path: [String]) -> Route.Node? {
        if elements.isEmpty { return nil }
        let ids = elements.compactMap(\.string)
        if ids.count == elements.count {
            for (index, id) in ids.enumerated() { note(id, path: path + [String(index)], isFollowed: false) }
            return .steps(ids)
        }
        if elements.allSatisfy({ $0.object != nil }) { return .one(choices(elements, path: path)) }
        return .sequence(elements.enumerated().compactMap { node($1, path: path + [String($0)]) })
    }

    private mutating func object(_ members: JSONObject, path: [String]) -> Route.Node? {
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: ["match"] + Self.operators,
            path: path,
            of: "a route"
        )
        let matcher = self.matcher(members, path: path)
        let present = Self.operators.filter { !members[$0].isMissing }
        guard present.count <= 1, matcher != nil || !present.isEmpty else {
            problems.add(path, Self.shape)
            return nil
        }
        var node: Route.Node?
        switch present.first {
        case "next": node = self.node(members["next"], path: path + ["next"])
        case "one":
            node = array(members["one"], path: path + ["one"]).map { .one(choices($0, path: path + ["one"])) }
        case "many":
            divisions.append(path + ["many"])
            if !allowsMany {
                problems.add(
                    path + ["many"],
                    "a route cannot divide here; use \"one\", or \"many\" before the collector"
                )
            }
            node = array(members["many"], path: path + ["many"]).map { .many(choices($0, path: path + ["many"])) }
        default: node = nil
        }
        guard let matcher else { return node }
        return .gate(matcher, node)
    }

    private mutating func array(_ value: JSONValue, path: [String]) -> [JSONValue]? {
        if value.array == nil { problems.add(path, "is an array of routes") }
        return value.array
    }

    private mutating func choices(_ elements: [JSONValue], path: [String]) -> [Route.Choice] {
        elements.enumerated().map { index, element in
            let path = path + [String(index)]
            guard case .object(var members) = element else {
                return Route.Choice(matcher: .always, node: node(element, path: path))
            }
            // Whether an entry is chosen is decided by its condition alone, even if it then leads nowhere.
            let matcher = members.contains("match") ? self.matcher(members, path: path) : nil
            if members.count == 1, matcher != nil { return Route.Choice(matcher: matcher ?? .always, node: nil) }
            members.remove("match")
            return Route.Choice(matcher: matcher ?? .always, node: node(.object(members), path: path))
        }
    }

    private mutating func matcher(_ members: JSONObject, path: [String]) -> Matcher? {
        if members["match"].isMissing { return nil }
        return Matcher(compiling: members["match"], path: path + ["match"], problems: &problems)
    }
}
