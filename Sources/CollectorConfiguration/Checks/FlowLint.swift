import Collector
import EventJSON
import JSONSchema

/// Finds what can be honoured in a flow but is hardly meant so, and examples that break the file's contracts.
struct FlowLint {
    let root: JSONObject
    private(set) var problems = ConfigurationProblems()
    private let contracts: [(name: String, contract: EventContract)]

    /// A look at a file. Contracts that cannot be compiled are left to the check of the flow.
    init(_ root: JSONObject) {
        self.root = root
        var resolver = ContractResolver(root["contract"].object ?? [:])
        let resolved = (try? resolver.resolveAll()) ?? [:]
        contracts = resolved.map { contract in
            var ignored = ConfigurationProblems()
            return (contract.name, EventContract(contract.value.object ?? [:], problems: &ignored))
        }
    }

    /// Looks at a flow.
    mutating func look(at name: String) {
        let flow = root["flows"][name]
        for kind in ["sources", "transformers", "destinations"] {
            for step in flow[kind].object ?? [:] {
                let path = ["flows", name, kind, step.name]
                for route in ["before", "next"] {
                    RouteLint.look(at: step.value[route], path: path + [route], problems: &problems)
                }
                // What comes into a source is a request, not an event.
                if kind != "sources" { lookAtExamples(step.value["examples"], path: path + ["examples"]) }
                if kind == "destinations" { lookAtMapping(step.value["config"]["mapping"], path: path) }
            }
        }
    }

    private mutating func lookAtExamples(_ examples: JSONValue, path: [String]) {
        for example in examples.object ?? [:] {
            guard var event = example.value["in"].object else { continue }
            // What the collector fills in.
            if let words = event["name"].string.flatMap(EventName.words) {
                if event["entity"].isMissing { event["entity"] = .string(words.entity) }
                if event["action"].isMissing { event["action"] = .string(words.action) }
            }
            guard event["entity"].string != nil, event["action"].string != nil else { continue }
            for (name, contract) in contracts {
                let issues = contract.issues(in: event)
                if issues.isEmpty { continue }
                let list = issues.map(\.description).joined(separator: "; ")
                problems.add(path + [example.name, "in"], "the example breaks the contract \"\(name)\": \(list)")
            }
        }
    }

    private mutating func lookAtMapping(_ mapping: JSONValue, path: [String]) {
        for entity in mapping.object ?? [:] where entity.name.contains(".") && !entity.name.contains(" ") {
            problems.add(
                path + ["config", "mapping", entity.name],
                "a mapping has two levels: {\"entity\": {\"action\": rule}}; a dot does not divide them"
            )
        }
    }
}

extension FlowFile {
    /// What can be honoured in the file's flows but is hardly meant so, in the order of the file.
    ///
    /// - Parameter flow: The flow to look at; nil for all.
    public func warnings(flow: String? = nil) -> [FlowErrors.Fault] {
        var lint = FlowLint(root)
        for name in flow.map({ [$0] }) ?? flowNames { lint.look(at: name) }
        return FlowErrors(lint.problems.list, file: name, text: text).faults
    }
}
