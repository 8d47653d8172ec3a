/// The keywords of draft 2020-12 that a schema may have, and what is said about those it may not.
enum SchemaKeyword: String, CaseIterable {
    // Where a schema stands and what it refers to.
    case schema = "$schema"
    case id = "$id"
    case anchor = "$anchor"
    case dynamicAnchor = "$dynamicAnchor"
    case reference = "$ref"
    case dynamicReference = "$dynamicRef"
    case definitions = "$defs"
    case olderDefinitions = "definitions"
    // For any value.
    case type, const, `enum`
    case allOf, anyOf, oneOf, not, `if`, then, `else`, dependentSchemas
    // For numbers.
    case multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum
    // For texts.
    case minLength, maxLength, pattern, format
    // For objects.
    case properties, patternProperties, additionalProperties, propertyNames, unevaluatedProperties
    case required, dependentRequired, minProperties, maxProperties
    // For arrays.
    case prefixItems, items, contains, minContains, maxContains, unevaluatedItems
    case uniqueItems, minItems, maxItems
    // For people and other programs: the draft has them assert nothing.
    case comment = "$comment"
    case title, description, `default`, examples, deprecated, readOnly, writeOnly
    case contentEncoding, contentMediaType, contentSchema

    /// Keywords of other drafts and dialects, and what takes their place.
    static let replaced: [String: String] = [
        "additionalItems": "\"additionalItems\" is called \"items\", behind \"prefixItems\", in draft 2020-12",
        "dependencies": "\"dependencies\" is \"dependentRequired\" or \"dependentSchemas\" in draft 2020-12",
        "divisibleBy": "\"divisibleBy\" is called \"multipleOf\"",
        "id": "\"id\" is called \"$id\"",
        "nullable": "\"nullable\" is no JSON Schema; write \"type\": [\"string\", \"null\"]",
        "$recursiveRef": "\"$recursiveRef\" is called \"$dynamicRef\" in draft 2020-12",
        "$recursiveAnchor": "\"$recursiveAnchor\" is called \"$dynamicAnchor\" in draft 2020-12",
        "$vocabulary": "\"$vocabulary\" belongs into meta-schemas; remove it",
    ]
}
