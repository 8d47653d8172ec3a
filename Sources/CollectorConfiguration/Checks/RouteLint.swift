import Collector
import EventJSON

/// Finds routes that can be honoured but are hardly meant so.
enum RouteLint {
    /// Looks at a route and the routes inside it.
    static func look(at route: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        switch route {
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                if index < elements.count - 1, element["many"].array != nil {
                    problems.add(
                        path + [String(index)],
                        "nothing behind \"many\" is reached; move what follows into each of its branches"
                    )
                }
                look(at: element, path: path + [String(index)], problems: &problems)
            }
        case .object(let members):
            if let branches = members["many"].array, branches.count < 2 {
                problems.add(
                    path + ["many"],
                    branches.isEmpty
                        ? "\"many\" without a branch leads nowhere; remove it"
                        : "\"many\" with one branch is the same as \"next\"; write that"
                )
            }
            for name in ["next", "one", "many"] { lookInside(members[name], path: path + [name], problems: &problems) }
        default: return
        }
    }

    private static func lookInside(_ value: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        // The entries of "one" and "many" are not one after the other.
        guard path.last != "next", let elements = value.array else {
            return look(at: value, path: path, problems: &problems)
        }
        for (index, element) in elements.enumerated() {
            look(at: element, path: path + [String(index)], problems: &problems)
        }
    }
}
