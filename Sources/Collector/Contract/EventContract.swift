public import EventJSON
public import JSONSchema

/// What events must look like: JSON Schemas by entity and action, and one for every event.
///
/// ```json
/// {"events": {"order": {"complete": {"properties": {"data": {"required": ["total"]}}}}},
///  "schema": {"required": ["consent"]}}
/// ```
///
/// Of `events`, one schema applies: that of the event's entity and action, else of the entity and `*`, else of `*` and
/// the action, else of `*` and `*`. Entity and action are the event's members, which the collector fills in; before
/// that only `*` may apply. An object without `events` and `schema` is itself a schema for every event.
public struct EventContract: Sendable {
    private typealias Actions = [ExactString: CompiledSchema]

    private let events: [ExactString: Actions]
    private let schema: CompiledSchema?

    private static let any = ExactString("*")
    private static let ruleMembers = ["description", "events", "extend", "schema", "tagging"]

    /// Compiles a contract; what cannot be honoured is added to `problems`, and the contract does without it.
    public init(_ contract: JSONObject, path: [String] = [], problems: inout ConfigurationProblems) {
        guard Self.isRule(contract) else {
            events = [:]
            schema = Self.compiled(.object(contract), path: path, problems: &problems)
            return
        }
        problems.refuseUnknownMembers(contract.map(\.name), known: Self.ruleMembers, path: path, of: "a contract")
        schema =
            contract["schema"].isMissing
            ? nil : Self.compiled(contract["schema"], path: path + ["schema"], problems: &problems)
        events = Self.events(contract["events"], path: path + ["events"], problems: &problems)
    }

    /// Whether the object is a contract, as opposed to a schema.
    private static func isRule(_ contract: JSONObject) -> Bool {
        contract["events"].object != nil || contract.contains("schema")
            || contract.allSatisfy { ruleMembers.contains($0.name) }
    }

    private static func events(
        _ value: JSONValue,
        path: [String],
        problems: inout ConfigurationProblems
    ) -> [ExactString: Actions] {
        if value.isMissing { return [:] }
        guard let entities = value.object else {
            problems.add(path, "\"events\" is an object: entity → action → schema, with \"*\" for any")
            return [:]
        }
        var events: [ExactString: Actions] = [:]
        for entity in entities {
            guard let actions = entity.value.object else {
                problems.add(path + [entity.name], "an entity is an object: action → schema")
                continue
            }
            if entity.name.contains(" ") {
                problems.add(
                    path + [entity.name],
                    "write the entity and the action as two levels: {\"entity\": {\"action\": schema}}"
                )
            }
            for action in actions {
                let path = path + [entity.name, action.name]
                guard let schema = compiled(action.value, path: path, problems: &problems) else { continue }
                events[ExactString(entity.name), default: [:]][ExactString(action.name)] = schema
            }
        }
        return events
    }

    /// A schema, its problems told at their place in the configuration.
    static func compiled(
        _ schema: JSONValue,
        path: [String],
        problems: inout ConfigurationProblems
    ) -> CompiledSchema? {
        do throws(JSONSchemaErrors) {
            return try CompiledSchema(schema)
        } catch {
            for problem in error.problems {
                let hint = problem.unknownKeyword
                    .flatMap { NearestName.find($0, in: CompiledSchema.keywords) }
                    .map { "; did you mean \"\($0)\"?" }
                problems.add(path + problem.path, problem.message + (hint ?? ""))
            }
            return nil
        }
    }

    /// What is wrong with an event; empty if nothing is, or if nothing is said about such events.
    public func issues(in event: JSONObject) -> [JSONSchemaIssue] {
        let value = JSONValue.object(event)
        return (eventSchema(of: event)?.issues(in: value) ?? []) + (schema?.issues(in: value) ?? [])
    }

    /// Whether nothing is wrong with an event; quicker than to ask for issues.
    public func allows(_ event: JSONObject) -> Bool {
        let value = JSONValue.object(event)
        return eventSchema(of: event)?.isValid(value) ?? true && schema?.isValid(value) ?? true
    }

    private func eventSchema(of event: JSONObject) -> CompiledSchema? {
        if events.isEmpty { return nil }
        let entity = ExactString(event["entity"].string ?? "")
        let action = ExactString(event["action"].string ?? "")
        return events[entity]?[action] ?? events[entity]?[Self.any] ?? events[Self.any]?[action]
            ?? events[Self.any]?[Self.any]
    }
}
