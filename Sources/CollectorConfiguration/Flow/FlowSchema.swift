public import Collector
public import EventJSON

/// The JSON Schema of flow.json, so that editors complete and check it while it is written.
///
/// Made from the descriptions of the destination and source types, so that it cannot lag behind them.
public enum FlowSchema {
    /// The schema ([draft 2020-12](https://json-schema.org/draft/2020-12/schema)).
    public static func schema(
        destinationTypes: [DestinationType],
        sourceTypes: [SourceType],
        transformerTypes: [TransformerType] = TransformerType.builtIn,
        storeTypes: [StoreType] = [.memory]
    ) -> JSONValue {
        var definitions = definitions(destinationTypes, sourceTypes)
        for member in stepDefinitions(transformerTypes, storeTypes) { definitions[member.name] = member.value }
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "collectord flow",
            "type": "object",
            "required": ["version", "flows"],
            "additionalProperties": false,
            "properties": [
                "$schema": ["type": "string"],
                "version": ["const": 4],
                "include": ["type": "array"],
                "variables": object("Values for $var references."),
                "contract": object("Contracts by name."),
                "flows": ["type": "object", "additionalProperties": ["$ref": "#/$defs/flow"], "minProperties": 1],
            ],
            "$defs": .object(definitions),
        ]
    }

    private static func definitions(_ destinations: [DestinationType], _ sources: [SourceType]) -> JSONObject {
        [
            "flow": closed([
                "config": [
                    "type": "object",
                    "properties": ["platform": ["enum": ["server", "web"]], "url": ["type": "string"]],
                ],
                "variables": object("Values for $var references of this flow."),
                "collector": ["$ref": "#/$defs/collector"],
                "sources": ["type": "object", "additionalProperties": ["$ref": "#/$defs/source"]],
                "destinations": ["type": "object", "additionalProperties": ["$ref": "#/$defs/destination"]],
                "transformers": ["type": "object", "additionalProperties": ["$ref": "#/$defs/transformer"]],
                "stores": ["type": "object", "additionalProperties": ["$ref": "#/$defs/store"]],
            ]),
            "collector": closed([
                "run": ["type": "boolean", "default": true],
                "name": ["type": "string"],
                "release": ["type": "string"],
                "consent": consent,
                "user": object("The user to begin with."),
                "globals": object("Globals to begin with."),
                "globalsStatic": object("Globals that every run begins with."),
                "custom": object("Custom properties to begin with."),
                "maxEventSize": ["type": "integer", "minimum": 1, "maximum": 1_073_741_824, "default": 262_144],
                "memoryMax": ["type": "integer", "minimum": 16_777_216, "default": 1_073_741_824],
                "queueMax": ["type": "integer", "minimum": 0, "default": 1000],
                "logger": ["type": "object", "properties": ["level": ["enum": ["ERROR", "WARN", "INFO", "DEBUG"]]]],
            ]),
            "source": ["oneOf": .array(sources.map(entry))],
            "destination": ["oneOf": .array(destinations.map(entry))],
            "mapping": [
                "type": "object",
                "description": "entity → action → rule, with * for any.",
                "additionalProperties": [
                    "type": "object", "additionalProperties": ["$ref": "#/$defs/rules"],
                ],
            ],
            "rules": [
                "oneOf": [
                    ["$ref": "#/$defs/rule"], ["type": "array", "items": ["$ref": "#/$defs/rule"]],
                    ["type": "boolean"],
                ]
            ],
            "rule": closed([
                "name": ["type": "string"],
                "condition": ["$ref": "#/$defs/condition"],
                "consent": consent,
                "policy": ["$ref": "#/$defs/policy"],
                "data": ["$ref": "#/$defs/value"],
                "include": include,
                "remove": ["type": "array", "items": ["type": "string"]],
                "ignore": ["type": "boolean"],
                "silent": ["type": "boolean"],
                "settings": object("What only the destination understands."),
                "batch": ["$ref": "#/$defs/batch"],
            ]),
            "policy": ["type": "object", "additionalProperties": ["$ref": "#/$defs/value"]],
            "value": [
                "oneOf": [
                    ["type": "string"], ["$ref": "#/$defs/valueObject"],
                    ["type": "array", "items": ["$ref": "#/$defs/value"]],
                ]
            ],
            "valueObject": closed([
                "key": ["type": "string"],
                "value": true,
                "fn": ["$ref": "#/$defs/functions"],
                "map": ["type": "object", "additionalProperties": ["$ref": "#/$defs/value"]],
                "loop": ["type": "array", "items": ["$ref": "#/$defs/value"], "minItems": 2, "maxItems": 2],
                "set": ["type": "array", "items": ["$ref": "#/$defs/value"]],
                "consent": consent,
                "condition": ["$ref": "#/$defs/condition"],
                "validate": ["$ref": "#/$defs/condition"],
            ]),
            "functions": [
                "oneOf": [
                    ["enum": .array(MappingFunctions.standard.names.map(JSONValue.string))],
                    ["type": "object", "minProperties": 1, "maxProperties": 1],
                    ["type": "array", "items": ["$ref": "#/$defs/functions"]],
                ]
            ],
            "condition": [
                "oneOf": [
                    ["const": "*"],
                    closed(["and": ["type": "array", "items": ["$ref": "#/$defs/condition"]]]),
                    closed(["or": ["type": "array", "items": ["$ref": "#/$defs/condition"]]]),
                    closed([
                        "key": ["type": "string"],
                        "operator": ["enum": ["eq", "contains", "prefix", "suffix", "regex", "gt", "lt", "exists"]],
                        "value": ["type": "string"],
                        "not": ["type": "boolean"],
                    ]),
                ]
            ],
            "batch": [
                "oneOf": [
                    ["type": "integer", "minimum": 0],
                    closed([
                        "wait": ["type": "integer", "minimum": 0], "size": ["type": "integer", "minimum": 1],
                        "age": ["type": "integer", "minimum": 0],
                    ]),
                ]
            ],
        ]
    }

    private static let consent: JSONValue = ["type": "object", "additionalProperties": ["type": "boolean"]]
    private static let include: JSONValue = [
        "type": "array", "items": ["enum": ["data", "globals", "context", "user", "source", "event", "all"]],
    ]

    /// The members of a mapping, which sources and destinations share.
    private static let mappingMembers: JSONObject = [
        "consent": consent,
        "policy": ["$ref": "#/$defs/policy"],
        "data": ["$ref": "#/$defs/value"],
        "include": include,
        "mapping": ["$ref": "#/$defs/mapping"],
    ]

    private static func entry(_ type: SourceType) -> JSONValue {
        var config = mappingMembers
        config["id"] = ["type": "string"]
        config["env"] = object("The source's environment.")
        config["settings"] = settings(type.settings)
        config["state"] = ["$ref": "#/$defs/states"]
        for option in type.options { config[option.name] = property(option) }
        return step(
            [type.name] + type.packages,
            summary: type.summary,
            config: config,
            extra: stepMembers(hasCache: false).assigning(["primary": ["type": "boolean"]])
        )
    }

    private static func entry(_ type: DestinationType) -> JSONValue {
        var config = mappingMembers
        config["id"] = ["type": "string"]
        config["env"] = object("The destination's environment.")
        config["settings"] = settings(type.settings)
        config["state"] = ["$ref": "#/$defs/states"]
        config["batch"] = ["$ref": "#/$defs/batch"]
        config["disabled"] = ["type": "boolean", "default": false]
        config["queue"] = ["type": "boolean", "default": true]
        config["queueMax"] = ["type": "integer", "minimum": 0, "default": 1000]
        config["waitingMax"] = ["type": "integer", "minimum": 1, "default": 100_000]
        config["dlqMax"] = ["type": "integer", "minimum": 0, "default": 100]
        config["inFlightMax"] = ["type": "integer", "minimum": 1, "default": 256]
        config["whenFull"] = [
            "description": "When the log is full: refuse new events for now, or give the oldest up as dead letters.",
            "enum": ["refuse", "deadLetter"], "default": "refuse",
        ]
        config["breaker"] = [
            "description": "After that many failures in a row, deliveries pause for the cooldown; events wait.",
            "anyOf": [
                ["type": "integer", "minimum": 1],
                [
                    "type": "object",
                    "properties": [
                        "threshold": ["type": "integer", "minimum": 1, "default": 5],
                        "cooldown": [
                            "type": "integer", "minimum": 1, "default": 30000, "description": "Milliseconds.",
                        ],
                    ],
                    "additionalProperties": false,
                ],
            ],
        ]
        config["timeout"] = ["type": "integer", "minimum": 0, "default": 10000]
        config["retry"] = retry
        config["require"] = ["type": "array", "items": ["type": "string"]]
        config["mock"] = true
        return step(
            [type.name] + type.packages,
            summary: type.summary,
            config: config,
            extra: stepMembers(hasCache: true).assigning(["mock": true])
        )
    }

    private static let retry: JSONValue = [
        "description": "How often and how long events are tried again; by default for as long as needed.",
        "anyOf": [
            ["type": "boolean"],
            ["type": "integer", "minimum": 1],
            [
                "type": "object",
                "properties": [
                    "maxAttempts": ["type": "integer", "minimum": 1, "description": "Then a dead letter."],
                    "maxAge": [
                        "type": "integer", "minimum": 1, "description": "Milliseconds; then a dead letter.",
                    ],
                    "minDelay": ["type": "integer", "minimum": 1, "default": 50, "description": "Milliseconds."],
                    "maxDelay": ["type": "integer", "minimum": 1, "default": 5000, "description": "Milliseconds."],
                ],
                "additionalProperties": false,
            ],
        ],
    ]

    static func step(_ names: [String], summary: String, config: JSONObject, extra: JSONObject) -> JSONValue {
        let pattern = "^(\(names.map { $0.replacingDots() }.joined(separator: "|")))(@.+)?$"
        var properties: JSONObject = [
            "package": ["type": "string", "pattern": .string(pattern), "description": .string(summary)],
            "config": closed(config),
            "env": object("The step's environment."),
            "variables": object("Values for $var references of this step."),
            "examples": object("Examples: in and out."),
            "disabled": ["type": "boolean"],
            "id": ["type": "string"],
            "import": ["type": "string"],
            "logger": true,
        ]
        for member in extra { properties[member.name] = member.value }
        var result = closed(properties).object ?? [:]
        result["required"] = ["package"]
        return .object(result)
    }

    static func settings(_ descriptions: [SettingDescription]) -> JSONValue {
        var properties = JSONObject()
        for description in descriptions { properties[description.name] = property(description) }
        var result = closed(properties).object ?? [:]
        let required = descriptions.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { result["required"] = .array(required) }
        return .object(result)
    }

    private static func property(_ description: SettingDescription) -> JSONValue {
        var result = schema(of: description.kind)
        let suffix = description.fallback.map { " Default: \($0)." } ?? ""
        result["description"] = .string(description.summary + suffix)
        return .object(result)
    }

    private static func schema(of kind: SettingDescription.Kind) -> JSONObject {
        switch kind {
        case .string: ["type": "string"]
        case .integer(let range):
            [
                "type": ["integer", "string"], "minimum": .number(JSONNumber(range.lowerBound)),
                "maximum": .number(JSONNumber(range.upperBound)),
            ]
        case .boolean: ["type": "boolean"]
        case .choice(let values): ["enum": .array(values.map(JSONValue.string))]
        case .object(let members): settings(members).object ?? [:]
        case .dictionary: ["type": "object"]
        case .strings: ["type": "array", "items": ["type": "string"]]
        case .list(let element): ["type": "array", "items": .object(schema(of: element))]
        case .oneOf(let kinds): ["anyOf": .array(kinds.map { .object(schema(of: $0)) })]
        case .mappingValue: ["$ref": "#/$defs/value"]
        case .any: [:]
        }
    }

    static func closed(_ properties: JSONObject) -> JSONValue {
        ["type": "object", "additionalProperties": false, "properties": .object(properties)]
    }

    static func object(_ description: String) -> JSONValue {
        ["type": "object", "description": .string(description)]
    }
}

extension String {
    fileprivate func replacingDots() -> String {
        map { $0 == "." ? "\\." : String($0) }.joined()
    }
}
