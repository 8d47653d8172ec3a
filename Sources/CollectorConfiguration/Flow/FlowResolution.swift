import Collector
import EventJSON

/// A flow whose references have been replaced.
struct ResolvedFlow {
    /// The flow's members.
    var members: JSONObject
    var contracts: JSONObject
    var secrets: Set<String>
    /// What went wrong on the way.
    var problems: ConfigurationProblems
}

/// Replaces the references of a flow in the places where they are looked at: the flow's `config` and `collector`, and
/// every step's `config` and `env`.
enum FlowResolution {
    private static let stepKinds = ["sources", "destinations", "transformers", "stores"]

    static func resolve(
        _ name: String,
        of root: JSONObject,
        environment: EnvironmentSource
    ) throws(ConfigurationProblem) -> ResolvedFlow {
        var resolver = ReferenceResolver(file: root, environment: environment)
        let fileVariables = root["variables"].object ?? [:]
        let contracts = try resolvedContracts(root, &resolver, variables: fileVariables)
        resolver.contracts = contracts
        var members = root["flows"][name].object ?? [:]
        let path = ["flows", name]
        let scopes = [members["variables"].object ?? [:], fileVariables]
        resolver.enter(flow: name)
        for part in ["config", "collector"] where members.contains(part) {
            members[part] = resolver.resolve(members[part], scopes: scopes, path: path + [part])
            resolver.leaveFlow()
        }
        resolver.leaveFlow()
        for kind in stepKinds {
            guard var steps = members[kind].object else { continue }
            for step in steps {
                guard var entry = step.value.object else { continue }
                let own = [entry["variables"].object ?? [:]] + scopes
                for part in ["config", "env"] where entry.contains(part) {
                    entry[part] = resolver.resolve(
                        entry[part],
                        scopes: own,
                        path: path + [kind, step.name, part]
                    )
                }
                steps[step.name] = .object(entry)
            }
            members[kind] = .object(steps)
        }
        return ResolvedFlow(
            members: members,
            contracts: contracts,
            secrets: resolver.secrets,
            problems: resolver.problems
        )
    }

    private static func resolvedContracts(
        _ root: JSONObject,
        _ resolver: inout ReferenceResolver,
        variables: JSONObject
    ) throws(ConfigurationProblem) -> JSONObject {
        guard root.contains("contract") else { return [:] }
        let contracts = resolver.resolve(root["contract"], scopes: [variables], path: ["contract"])
        var contractResolver = ContractResolver(contracts.object ?? [:])
        return try contractResolver.resolveAll()
    }
}
