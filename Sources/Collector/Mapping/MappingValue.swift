import EventJSON

/// How one value of a mapping is found, compiled from its JSON form.
///
/// ```json
/// "data.id"                                            the value at that path
/// {"key": "user.email", "fn": ["trim", "sha256"]}      … through functions
/// {"value": "EUR"}                                     a constant
/// {"map": {"id": "data.id", "price": "data.price"}}    an object
/// {"loop": ["nested", {"map": {"sku": "data.id"}}]}    an array, an item each
/// {"set": ["data.id", {"value": 1}]}                   an array of fixed length
/// ["data.id", "data.sku"]                              the first that there is
/// ```
indirect enum MappingValue: Sendable {
    /// One way to find the value.
    case item(MappingItem)
    /// An array inside an array: the first truthy one.
    case firstTruthy([MappingValue])
    /// Never a value: a number, a boolean or an empty object stands where a value belongs.
    case nothing
    /// A null stands where a value belongs: an error each time, as walkerOS has it.
    case failure
}

/// The members of a value object.
struct MappingItem: Sendable {
    /// Where the value comes from, besides `key`, `fn` and `value`.
    enum Structure: Sendable {
        case none
        case loop(scope: LoopScope, item: MappingValueList)
        case map([(name: String, value: MappingValueList)])
        case set([MappingValue])
    }

    enum LoopScope: Sendable {
        /// The input itself, as an array of one.
        case this
        case value(MappingValueList)
    }

    var condition: Matcher?
    var consent: ConsentRequirement?
    var functions: [MappingFunction] = []
    var key: MemberPath?
    var structure = Structure.none
    var validate: Matcher?
    /// The constant, or the fallback of `key`.
    var constant = JSONValue.missing
}

/// Values tried in order until one is there.
struct MappingValueList: Sendable {
    var values: [MappingValue]
}
