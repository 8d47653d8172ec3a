import Collector
import EventJSON

/// Transformers, stores, and the options of steps.
extension FlowBuilder {
    // MARK: Stores

    mutating func stores() -> [StoreRegistration] {
        (members["stores"].object ?? [:]).compactMap { store($0.name, $0.value) }
    }

    private mutating func store(_ id: String, _ value: JSONValue) -> StoreRegistration? {
        let path = path + ["stores", id]
        guard let entry = StepEntry(value, kind: .store, path: path, problems: &problems) else { return nil }
        if entry.members.contains("cache") {
            problems.add(path + ["cache"], "caches in front of stores are not supported; remove it")
        }
        refuseIdle(["disabled", "mock"], of: entry, path: path)
        guard let package = entry.package(path: path, problems: &problems) else { return nil }
        guard let type = storeTypes.first(where: { $0.isNamed(package) }) else {
            refuse(package, known: storeTypes.flatMap { [$0.name] + $0.packages }, path: path)
            return nil
        }
        problems.refuseUnknownMembers(
            entry.config.map(\.name),
            known: ["env", "id", "settings"],
            path: path + ["config"],
            of: "a store's config"
        )
        refuseCode(entry.members["config"], path: path + ["config"])
        let store = type.make(entry.config["settings"], path + ["config", "settings"], &problems)
        return StoreRegistration(id: id, store: store)
    }

    private mutating func refuseIdle(_ names: [String], of entry: StepEntry, path: [String]) {
        for name in names where entry.members.contains(name) {
            problems.add(path + [name], "has no meaning for a store; remove it")
        }
    }

    // MARK: Transformers

    mutating func transformers() -> [TransformerRegistration] {
        (members["transformers"].object ?? [:]).compactMap { transformer($0.name, $0.value) }
    }

    /// Transformers of walkerOS that are not here, and what to do instead.
    private static let missingTransformers = [
        "file": "let a web server deliver files",
        "bot": "decide by \"ingest\" and conditions of routes which requests are wanted",
        "ga4": "send events in walkerOS's form",
        "demo": "use a console destination to look at events",
    ]

    private mutating func transformer(_ id: String, _ value: JSONValue) -> TransformerRegistration? {
        let path = path + ["transformers", id]
        guard let entry = StepEntry(value, kind: .transformer, path: path, problems: &problems) else { return nil }
        if entry.members.contains("code") { return nil }
        var config = entry.config
        let configPath = path + ["config"]
        let steps = steps(of: entry, &config, owner: .transformer, path: path)
        problems.refuseUnknownMembers(
            config.map(\.name),
            known: ["disabled", "env", "id", "mapping", "mock", "settings"],
            path: configPath,
            of: "a transformer's config"
        )
        refuseCode(.object(config), path: configPath)
        refuseCode(entry.members["env"], path: path + ["env"])
        guard let transformer = transformer(of: entry, config, path: path) else { return nil }
        var registration = TransformerRegistration(id: id, transformer: transformer, steps: steps)
        registration.isDisabled = entry.members["disabled"] == true || config["disabled"].isTruthy
        registration.mock = entry.members["mock"].isMissing ? config["mock"] : entry.members["mock"]
        return registration
    }

    private mutating func transformer(
        of entry: StepEntry,
        _ config: JSONObject,
        path: [String]
    ) -> (any Transformer)? {
        let isInner = entry.members["mapping"].isMissing
        let mapping = isInner ? config["mapping"] : entry.members["mapping"]
        let mappingPath = path + (isInner ? ["config", "mapping"] : ["mapping"])
        guard !entry.members["package"].isMissing else {
            if !config["settings"].isMissing {
                problems.add(path + ["config", "settings"], "belong to a package; name it, or remove them")
            }
            return mappingTransformer(mapping, path: mappingPath)
        }
        if !mapping.isMissing {
            problems.add(mappingPath, "stands beside \"package\"; give the mapping a transformer of its own")
        }
        guard let package = entry.package(path: path, problems: &problems) else { return nil }
        guard let type = transformerTypes.first(where: { $0.isNamed(package) }) else {
            let bare = package.split(separator: "@", omittingEmptySubsequences: true).first.map(String.init) ?? package
            for (name, remedy) in Self.missingTransformers where bare.hasSuffix("transformer-\(name)") || bare == name {
                problems.add(path + ["package"], "the \(name) transformer is not supported; \(remedy)")
                return nil
            }
            refuse(package, known: transformerTypes.flatMap { [$0.name] + $0.packages }, path: path)
            return nil
        }
        return type.make(config["settings"], path + ["config", "settings"], &problems)
    }

    private mutating func mappingTransformer(_ value: JSONValue, path: [String]) -> (any Transformer)? {
        if value.isMissing { return MappingTransformer() }
        guard let members = value.object else {
            problems.add(path, "\"mapping\" is an object with \"policy\" and \"mapping\"")
            return nil
        }
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: ["mapping", "policy"],
            path: path,
            of: "a transformer's mapping"
        )
        for entity in members["mapping"].object ?? [:] {
            for action in entity.value.object ?? [:] {
                let rules = action.value.array ?? [action.value]
                for (index, rule) in rules.enumerated() where !rule["consent"].isMissing {
                    let place = action.value.array == nil ? [] : [String(index)]
                    problems.add(
                        path + ["mapping", entity.name, action.name] + place + ["consent"],
                        "a transformer cannot let events wait for consent; write it at the destination or source"
                    )
                }
            }
        }
        return MappingTransformer(Mapping(members, functions: functions, path: path, problems: &problems))
    }

    // MARK: Options

    /// The options of an entry; `state` may also stand in its `config`, from where it is taken.
    mutating func steps(
        of entry: StepEntry,
        _ config: inout JSONObject,
        owner: StepOptions.Owner,
        path: [String]
    ) -> StepOptions {
        var members = entry.members
        let inner = config["state"]
        config.remove("state")
        let standsInside = members["state"].isMissing && !inner.isMissing
        if standsInside { members.remove("state") }
        var options = StepOptions(members, owner: owner, functions: functions, path: path, problems: &problems)
        if standsInside {
            let more = StepOptions(
                ["state": inner],
                owner: owner,
                functions: functions,
                path: path + ["config"],
                problems: &problems
            )
            options.states = more.states
        } else if !inner.isMissing {
            problems.add(path + ["config", "state"], "stands beside the entry's own \"state\"; keep one of them")
        }
        return options
    }

    /// Refuses transformers and stores that do not exist, circles, and ways that divide where nothing may.
    mutating func checkSteps(
        sources: [Flow.Source],
        transformers: [TransformerRegistration],
        destinations: [Flow.Destination]
    ) {
        // Transformers that cannot be built are known by name all the same: their own faults are told.
        let names = (members["transformers"].object ?? [:]).map(\.name)
        let storeNames = (members["stores"].object ?? [:]).map(\.name) + ["__cache"]
        func refuse(_ steps: StepOptions, _ path: [String], problems: inout ConfigurationProblems) {
            steps.refuseUnknown(transformers: names, stores: storeNames, path: path, problems: &problems)
        }
        for source in sources { refuse(source.steps, path + ["sources", source.id], problems: &problems) }
        for transformer in transformers {
            refuse(transformer.steps, path + ["transformers", transformer.id], problems: &problems)
        }
        for destination in destinations {
            refuse(destination.registration.configuration.steps, destination.path, problems: &problems)
        }
        var graph = StepGraph(transformers)
        graph.refuseCircles(problems: &problems)
        for destination in destinations {
            graph.refuseDivisions(behind: destination.registration.configuration.steps, problems: &problems)
        }
    }
}
