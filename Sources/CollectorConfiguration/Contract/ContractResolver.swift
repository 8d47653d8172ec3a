import Collector
import EventJSON

/// Works out contracts: what they extend, what their wildcards add to each action.
struct ContractResolver {
    private let contracts: JSONObject
    private var resolved: [String: JSONObject] = [:]
    private var trail: [String] = []

    init(_ contracts: JSONObject) {
        self.contracts = contracts
    }

    /// All contracts by name, resolved.
    ///
    /// - Throws: `ConfigurationProblem` for an unknown or circular `extend`.
    mutating func resolveAll() throws(ConfigurationProblem) -> JSONObject {
        var result = JSONObject()
        for contract in contracts { result[contract.name] = .object(try resolve(contract.name)) }
        for contract in result {
            var members = contract.value.object ?? [:]
            if let events = members["events"].object {
                members["events"] = .object(ContractWildcards.expand(events))
            }
            result[contract.name] = .object(members)
        }
        return result
    }

    private mutating func resolve(_ name: String) throws(ConfigurationProblem) -> JSONObject {
        if let done = resolved[name] { return done }
        guard let own = contracts[name].object else {
            throw ConfigurationProblem(
                path: ["contract", trail.last ?? name],
                message: "Contract \"\(name)\" not found"
            )
        }
        guard !trail.contains(name) else {
            let cycle = (trail + [name]).joined(separator: " → ")
            throw ConfigurationProblem(
                path: ["contract", name, "extend"],
                message: "Circular extend chain detected: \(cycle)"
            )
        }
        trail.append(name)
        var result = own
        if let parent = own["extend"].string {
            result = ContractMerge.merge(try resolve(parent), own)
        }
        trail.removeLast()
        result.remove("extend")
        resolved[name] = result
        return result
    }
}

/// Lays one schema over another without taking anything away.
enum ContractMerge {
    /// Objects are merged deeply, `required` lists are joined, everything else is the child's.
    static func merge(_ parent: JSONObject, _ child: JSONObject) -> JSONObject {
        var result = parent
        for member in child {
            switch (result[member.name], member.value) {
            case (.object(let own), .object(let other)):
                result[member.name] = .object(merge(own, other))
            case (.array(let own), .array(let other)) where member.name == "required":
                result[member.name] = .array(own + other.filter { !own.contains($0) })
            default: result[member.name] = member.value
            }
        }
        return result
    }
}

/// Works out the wildcards of a contract's events.
enum ContractWildcards {
    /// The events with each entity's actions completed: `*.*`, then `*.action`, then `entity.*`, then its own.
    static func expand(_ events: JSONObject) -> JSONObject {
        let any = events["*"].object ?? [:]
        var result = JSONObject()
        for entity in events where entity.name != "*" {
            let actions = entity.value.object ?? [:]
            let names = actions.map(\.name)
            var expanded = JSONObject()
            for action in names {
                var schema = any["*"].object ?? [:]
                if action != "*" {
                    schema = ContractMerge.merge(schema, any[action].object ?? [:])
                    schema = ContractMerge.merge(schema, actions["*"].object ?? [:])
                }
                schema = ContractMerge.merge(schema, actions[action].object ?? [:])
                expanded[action] = .object(SchemaAnnotations.strip(schema))
            }
            result[entity.name] = .object(expanded)
        }
        if events.contains("*") {
            var stripped = JSONObject()
            for action in any { stripped[action.name] = .object(SchemaAnnotations.strip(action.value.object ?? [:])) }
            result["*"] = .object(stripped)
        }
        return result
    }
}

/// Removes what is only for people from a JSON Schema.
enum SchemaAnnotations {
    private static let annotations: Set<String> = ["description", "examples", "title", "$comment"]
    /// Members whose value is one schema.
    private static let schemaMembers: Set<String> = [
        "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    ]
    /// Members whose value is an object of schemas.
    private static let schemaMaps: Set<String> = [
        "$defs", "definitions", "dependentSchemas", "patternProperties", "properties",
    ]
    /// Members whose value is an array of schemas.
    private static let schemaLists: Set<String> = ["allOf", "anyOf", "oneOf", "prefixItems"]

    /// The schema without annotations, at every place where a schema stands.
    static func strip(_ schema: JSONObject) -> JSONObject {
        var result = JSONObject()
        for member in schema where !annotations.contains(member.name) {
            switch member.value {
            case .object(let value) where schemaMembers.contains(member.name):
                result[member.name] = .object(strip(value))
            case .object(let value) where schemaMaps.contains(member.name):
                var map = JSONObject()
                for entry in value { map[entry.name] = entry.value.object.map { .object(strip($0)) } ?? entry.value }
                result[member.name] = .object(map)
            case .array(let values) where schemaLists.contains(member.name):
                result[member.name] = .array(values.map { $0.object.map { .object(strip($0)) } ?? $0 })
            default: result[member.name] = member.value
            }
        }
        return result
    }
}
