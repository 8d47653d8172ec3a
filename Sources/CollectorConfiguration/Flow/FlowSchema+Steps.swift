import Collector
import EventJSON

/// Transformers, stores, routes, caches and states in the schema of flow.json.
extension FlowSchema {
    static func stepDefinitions(_ transformers: [TransformerType], _ stores: [StoreType]) -> JSONObject {
        [
            "transformer": ["oneOf": .array(transformers.map(entry) + [mappingTransformer])],
            "store": ["oneOf": .array(stores.map(entry))],
            "route": [
                "description": "A transformer's id, an array of routes, or match with one of next, one, many.",
                "oneOf": [
                    ["type": "string"], ["type": "array", "items": ["$ref": "#/$defs/route"]],
                    closed([
                        "match": ["$ref": "#/$defs/condition"],
                        "next": ["$ref": "#/$defs/route"],
                        "one": ["type": "array", "items": ["$ref": "#/$defs/route"]],
                        "many": ["type": "array", "items": ["$ref": "#/$defs/route"]],
                    ]),
                ],
            ],
            "cache": closed([
                "stop": ["type": "boolean"],
                "store": ["type": "string"],
                "namespace": ["type": "string"],
                "rules": ["type": "array", "items": ["$ref": "#/$defs/cacheRule"], "minItems": 1],
            ]),
            "cacheRule": closed([
                "match": ["$ref": "#/$defs/condition"],
                "key": [
                    "type": "array", "items": ["type": "string", "pattern": "^(event|ingest)(\\..+)?$"], "minItems": 1,
                ],
                "ttl": ["type": "number", "exclusiveMinimum": 0, "description": "Seconds."],
            ]),
            "state": closed([
                "mode": ["enum": ["get", "set"]],
                "store": ["type": "string"],
                "key": ["$ref": "#/$defs/value"],
                "value": ["$ref": "#/$defs/value"],
            ]),
            "states": [
                "oneOf": [
                    ["$ref": "#/$defs/state"], ["type": "array", "items": ["$ref": "#/$defs/state"]],
                ]
            ],
        ]
    }

    /// The members of an entry that say what happens before and after it.
    static func stepMembers(hasCache: Bool) -> JSONObject {
        var members: JSONObject = [
            "before": ["$ref": "#/$defs/route"], "next": ["$ref": "#/$defs/route"],
            "state": ["$ref": "#/$defs/states"],
        ]
        if hasCache { members["cache"] = ["$ref": "#/$defs/cache"] }
        return members
    }

    private static func transformerConfig() -> JSONObject {
        [
            "id": ["type": "string"], "env": object("The transformer's environment."),
            "disabled": ["type": "boolean"], "mock": true, "state": ["$ref": "#/$defs/states"],
        ]
    }

    private static func entry(_ type: TransformerType) -> JSONValue {
        var config = transformerConfig()
        config["settings"] = settings(type.settings)
        return step(
            [type.name] + type.packages,
            summary: type.summary,
            config: config,
            extra: stepMembers(hasCache: true).assigning(["mock": true])
        )
    }

    /// A transformer without a package: it changes events by a mapping, or only leads on.
    private static var mappingTransformer: JSONValue {
        let mapping = closed(["policy": ["$ref": "#/$defs/policy"], "mapping": ["$ref": "#/$defs/mapping"]])
        let members: JSONObject = [
            "mapping": mapping, "mock": true, "disabled": ["type": "boolean"],
            "config": closed(transformerConfig().assigning(["mapping": mapping])),
            "env": object("The step's environment."),
            "variables": object("Values for $var references of this step."),
            "examples": object("Examples: in and out."), "id": ["type": "string"], "logger": true,
        ]
        return closed(stepMembers(hasCache: true).assigning(members))
    }

    private static func entry(_ type: StoreType) -> JSONValue {
        let config: JSONObject = [
            "id": ["type": "string"], "env": object("The store's environment."), "settings": settings(type.settings),
        ]
        return step([type.name] + type.packages, summary: type.summary, config: config, extra: [:])
    }
}
