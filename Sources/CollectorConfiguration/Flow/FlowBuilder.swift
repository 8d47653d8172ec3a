import Collector
import EventJSON

/// Turns a resolved flow into what runs, and notes everything that cannot be honoured.
struct FlowBuilder {
    let name: String
    let resolved: ResolvedFlow
    let destinationTypes: [DestinationType]
    let sourceTypes: [SourceType]
    let transformerTypes: [TransformerType]
    let storeTypes: [StoreType]
    let functions: MappingFunctions
    var problems: ConfigurationProblems

    var path: [String] { ["flows", name] }
    var members: JSONObject { resolved.members }

    init(
        name: String,
        resolved: ResolvedFlow,
        destinationTypes: [DestinationType],
        sourceTypes: [SourceType],
        transformerTypes: [TransformerType],
        storeTypes: [StoreType],
        functions: MappingFunctions,
        problems: ConfigurationProblems
    ) {
        self.name = name
        self.resolved = resolved
        self.destinationTypes = destinationTypes
        self.sourceTypes = sourceTypes
        self.transformerTypes = transformerTypes
        self.storeTypes = storeTypes
        self.functions = functions
        self.problems = problems
        for problem in resolved.problems.list { self.problems.add(problem.path, problem.message) }
    }

    private static let flowMembers = [
        "collector", "config", "destinations", "sources", "stores", "transformers", "variables",
    ]

    mutating func build() -> Flow {
        problems.refuseUnknownMembers(members.map(\.name), known: Self.flowMembers, path: path, of: "a flow")
        if members["config"]["platform"].string == "web" {
            problems.add(
                path + ["config", "platform"],
                "this is a web flow, which runs in browsers; name a server flow with --flow"
            )
        }
        for contract in resolved.contracts {
            _ = EventContract(
                contract.value.object ?? [:],
                path: ["contract", contract.name],
                problems: &problems
            )
        }
        let options = CollectorOptionsReader(path: path + ["collector"])
        let (collectorOptions, logLevel) = options.read(members["collector"], flowName: name, problems: &problems)
        let stores = stores()
        let transformers = transformers()
        let sources = sources()
        let destinations = destinations()
        checkSteps(sources: sources, transformers: transformers, destinations: destinations)
        return Flow(
            name: name,
            options: collectorOptions,
            logLevel: logLevel,
            sources: sources,
            destinations: destinations,
            transformers: transformers,
            stores: stores,
            contracts: resolved.contracts,
            secrets: resolved.secrets
        )
    }

    // MARK: Sources

    private mutating func sources() -> [Flow.Source] {
        (members["sources"].object ?? [:]).compactMap { source($0.name, $0.value) }
    }

    private mutating func source(_ id: String, _ value: JSONValue) -> Flow.Source? {
        let path = path + ["sources", id]
        guard let entry = StepEntry(value, kind: .source, path: path, problems: &problems) else { return nil }
        guard let package = entry.package(path: path, problems: &problems) else { return nil }
        guard let type = sourceTypes.first(where: { $0.isNamed(package) }) else {
            refuse(package, known: sourceTypes.flatMap { [$0.name] + $0.packages }, path: path)
            return nil
        }
        var config = entry.config
        let configPath = path + ["config"]
        let steps = steps(of: entry, &config, owner: .source, path: path)
        problems.refuseUnknownMembers(
            config.map(\.name),
            known: Mapping.members + ["settings", "id", "env"] + type.options.map(\.name),
            path: configPath,
            of: "the config of a \(type.name) source"
        )
        let mapping = Mapping(config, functions: functions, path: configPath, problems: &problems)
        type.check(config, configPath, &problems)
        refuseCode(.object(config), path: configPath)
        let isDisabled = entry.members["disabled"] == true
        return Flow.Source(
            id: id,
            type: type,
            config: config,
            mapping: mapping,
            steps: steps,
            isDisabled: isDisabled
        )
    }

    // MARK: Destinations

    private mutating func destinations() -> [Flow.Destination] {
        (members["destinations"].object ?? [:]).compactMap { destination($0.name, $0.value) }
    }

    private mutating func destination(_ id: String, _ value: JSONValue) -> Flow.Destination? {
        let path = path + ["destinations", id]
        guard let entry = StepEntry(value, kind: .destination, path: path, problems: &problems) else { return nil }
        guard let package = entry.package(path: path, problems: &problems) else { return nil }
        guard let type = destinationTypes.first(where: { $0.isNamed(package) }) else {
            refuse(package, known: destinationTypes.flatMap { [$0.name] + $0.packages }, path: path)
            return nil
        }
        var config = entry.config
        let configPath = path + ["config"]
        let steps = steps(of: entry, &config, owner: .destination, path: path)
        if entry.members["disabled"] == true { config["disabled"] = true }
        if !type.mapping.isEmpty {
            let path = configPath + ["mapping"]
            config["mapping"] = type.merging(config["mapping"], path: path, problems: &problems)
        }
        if config["mock"].isMissing, !entry.members["mock"].isMissing { config["mock"] = entry.members["mock"] }
        if let outer = entry.members["env"].object {
            config["env"] = .object(outer.assigning(config["env"].object ?? [:]))
        }
        var configuration = DestinationConfiguration(
            config,
            functions: functions,
            path: configPath,
            problems: &problems
        )
        configuration.environment = config["env"]
        configuration.steps = steps
        refuseCode(.object(config), path: configPath)
        let destination = type.make(config["settings"], configPath + ["settings"], &problems)
        checkRuleSettings(config["mapping"], type: type, path: configPath + ["mapping"])
        let registration = DestinationRegistration(id: id, destination: destination, configuration: configuration)
        return Flow.Destination(
            id: id,
            type: type,
            registration: registration,
            path: path,
            examples: entry.members["examples"].object ?? [:]
        )
    }

    private mutating func checkRuleSettings(_ mapping: JSONValue, type: DestinationType, path: [String]) {
        for entity in mapping.object ?? [:] {
            for action in entity.value.object ?? [:] {
                let rules = action.value.array ?? [action.value]
                for (position, rule) in rules.enumerated() {
                    guard let settings = rule["settings"].object else { continue }
                    let index = action.value.array == nil ? [] : [String(position)]
                    problems.refuseUnknownMembers(
                        settings.map(\.name),
                        known: type.ruleSettings.map(\.name),
                        path: path + [entity.name, action.name] + index + ["settings"],
                        of: "the rule settings of a \(type.name) destination"
                    )
                }
            }
        }
    }

    // MARK: Refusals

    mutating func refuse(_ package: String, known: [String], path: [String]) {
        let hint = NearestName.find(package, in: known).map { "did you mean \"\($0)\"?" }
        problems.add(
            path + ["package"],
            "unknown package \"\(package)\"; " + (hint ?? "known are \(known.joined(separator: ", "))")
        )
    }

    /// Refuses JavaScript and stores wherever they still stand. Mapping values have been looked at already.
    mutating func refuseCode(_ value: JSONValue, path: [String]) {
        switch value {
        case .string(let text):
            let isKnown = problems.list.contains { $0.path == path }
            if text.hasPrefix("$code:"), !isKnown {
                problems.add(
                    path,
                    "JavaScript cannot run here; use named functions (\"fn\") and conditions, or a value"
                )
            } else if text.hasPrefix("$store."), !isKnown {
                problems.add(
                    path,
                    "stores are named by \"cache\" and \"state\", not handed to packages; remove the reference"
                )
            }
        case .array(let elements):
            for (position, element) in elements.enumerated() { refuseCode(element, path: path + [String(position)]) }
        case .object(let members):
            for member in members { refuseCode(member.value, path: path + [member.name]) }
        default: break
        }
    }
}
