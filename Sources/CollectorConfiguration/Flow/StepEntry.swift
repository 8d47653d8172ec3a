import Collector
import EventJSON

/// The entry of a source, transformer, destination or store in a flow.
struct StepEntry {
    let members: JSONObject

    /// Members that change what an event becomes, and so must not be passed over.
    private static let refused: [(name: String, remedy: String)] = [
        ("code", "JavaScript cannot run here; name a \"package\" instead"),
        ("chainMocks", "mocks of a chain are not supported; write \"mock\" at the transformers themselves"),
    ]

    /// Checks the entry's members; nil if it is not an object.
    init?(_ value: JSONValue, kind: StepKind, path: [String], problems: inout ConfigurationProblems) {
        guard let members = value.object else {
            problems.add(path, "\(kind.article) is an object with \"package\" and \"config\"")
            return nil
        }
        self.members = members
        for (name, remedy) in Self.refused where members.contains(name) { problems.add(path + [name], remedy) }
        for fault in StepShape.faults(members, kind: kind) { problems.add(path + [fault.key], fault.message) }
        if !members["config"].isMissing, members["config"].object == nil {
            problems.add(path + ["config"], "\"config\" is an object")
        }
    }

    /// The entry's `config`; empty if there is none.
    var config: JSONObject { members["config"].object ?? [:] }

    /// The entry's `package`; nil, with a problem, if there is none.
    func package(path: [String], problems: inout ConfigurationProblems) -> String? {
        if let package = members["package"].string, !package.isEmpty { return package }
        if !members.contains("code") {
            problems.add(path + ["package"], "name the package, such as \"@walkeros/server-destination-redis\"")
        }
        return nil
    }
}
