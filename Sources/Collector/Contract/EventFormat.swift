public import EventJSON
public import JSONSchema

/// The event model as JSON Schemas: of which kind each member is, whether or not it is there.
public enum EventFormat {
    /// Knows the members of the model and allows no others, neither in the event nor in `user`, `source` and nested
    /// entities: walkerOS's `format`.
    public static let closed = compiled(isClosed: true)
    /// Knows the members of the model and allows others.
    public static let open = compiled(isClosed: false)

    /// The schema as JSON.
    public static func schema(isClosed: Bool) -> JSONValue {
        let additional: JSONObject = isClosed ? ["additionalProperties": false] : [:]
        let schema: JSONObject = [
            "$defs": .object(definitions(additional)),
            "type": "object",
            "properties": [
                "name": text,
                "data": properties,
                "context": reference("context"),
                "globals": properties,
                "custom": properties,
                "user": ["allOf": [properties, .object(user.assigning(additional))]],
                "nested": reference("entities"),
                "consent": ["type": "object", "additionalProperties": ["type": "boolean"]],
                "id": ["type": "string", "minLength": 1],
                "trigger": text,
                "entity": text,
                "action": text,
                "timestamp": ["type": "integer", "exclusiveMinimum": 0, "maximum": largestInteger],
                "timing": ["type": "number"],
                "source": ["allOf": [properties, .object(source.assigning(additional))]],
            ],
        ]
        return .object(schema.assigning(additional))
    }

    private static func compiled(isClosed: Bool) -> CompiledSchema {
        do throws(JSONSchemaErrors) {
            return try CompiledSchema(schema(isClosed: isClosed))
        } catch {
            // A test shows that this cannot be; a check that is not made must not look like one that passed.
            return .nothing
        }
    }

    private static let text: JSONValue = ["type": "string"]
    private static let properties = reference("properties")
    /// The largest integer that a JavaScript number holds exactly.
    private static let largestInteger: JSONValue = 9_007_199_254_740_991

    private static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/$defs/\(name)")] }

    private static func definitions(_ additional: JSONObject) -> JSONObject {
        let entity: JSONObject = [
            "type": "object",
            "required": ["entity", "data"],
            "properties": [
                "entity": text, "data": properties, "nested": reference("entities"), "context": reference("context"),
            ],
        ]
        return [
            // A property is a scalar, an object of properties, or an array of scalars and objects; never null.
            "property": [
                "type": ["boolean", "string", "number", "object", "array"],
                "additionalProperties": reference("property"),
                "items": reference("item"),
            ],
            "item": [
                "type": ["boolean", "string", "number", "object"],
                "additionalProperties": reference("property"),
            ],
            "properties": ["type": "object", "additionalProperties": reference("property")],
            "context": [
                "type": "object",
                "additionalProperties": [
                    "type": "array", "prefixItems": [reference("property"), ["type": "number"]], "minItems": 2,
                    "maxItems": 2,
                ],
            ],
            "entities": ["type": "array", "items": reference("entity")],
            "entity": .object(entity.assigning(additional)),
        ]
    }

    private static let user: JSONObject = {
        var members = JSONObject()
        for name in [
            "id", "device", "session", "hash", "address", "phone", "userAgent", "browser", "browserVersion",
            "deviceType", "os", "osVersion", "screenSize", "language", "country", "region", "city", "zip", "timezone",
            "ip",
        ] { members[name] = text }
        members["email"] = [
            "type": "string",
            "pattern": #"^[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$"#,
            "not": ["pattern": #"^\.|\.\."#],
        ]
        members["internal"] = ["type": "boolean"]
        return ["type": "object", "properties": .object(members)]
    }()

    private static let source: JSONObject = {
        var members = JSONObject()
        for name in [
            "type", "platform", "version", "schema", "trace", "url", "referrer", "tool", "command",
        ] { members[name] = text }
        members["count"] = ["type": "integer", "minimum": 0, "maximum": largestInteger]
        members["release"] = ["type": "object", "additionalProperties": text]
        return ["type": "object", "required": ["type"], "properties": .object(members)]
    }()
}
