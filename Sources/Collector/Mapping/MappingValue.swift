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
enum MappingValue: Sendable {
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
///
/// A class, so that an evaluation passes one reference along instead of copying them all.
final class MappingItem: Sendable {
    /// Where the value comes from, besides `key`, `fn` and `value`.
    enum Structure: Sendable {
        case none
        case loop(scope: LoopScope, item: MappingValueList)
        case map([Entry])
        case set([MappingValue])
    }

    /// A member of a `map`.
    struct Entry: Sendable {
        let name: String
        /// The name as JSON text, with quotes and a colon.
        let prefix: [UInt8]
        let value: MappingValueList

        init(name: String, value: MappingValueList) {
            self.name = name
            prefix = JSONValue.string(name).jsonText + [UInt8(ascii: ":")]
            self.value = value
        }
    }

    enum LoopScope: Sendable {
        /// The input itself, as an array of one.
        case this
        case value(MappingValueList)
    }

    let condition: Matcher?
    let consent: ConsentRequirement?
    let functions: [MappingFunction]
    /// The same functions where each works on text; nil otherwise, and if there are none.
    let textFunctions: [TextFunction]?
    let key: MemberPath?
    let structure: Structure
    let validate: Matcher?
    /// The constant, or the fallback of `key`.
    let constant: JSONValue
    /// The constant as JSON text; empty if it is no value.
    let constantText: [UInt8]
    /// Whether the value is what stands at `key`, with no more to it than a fallback.
    let isPlain: Bool
    /// Whether nothing is done to the value once it is selected.
    let isFinal: Bool

    init(
        key: MemberPath?,
        condition: Matcher? = nil,
        consent: ConsentRequirement? = nil,
        functions: [MappingFunction] = [],
        textFunctions: [TextFunction]? = nil,
        structure: Structure = .none,
        validate: Matcher? = nil,
        constant: JSONValue = .missing
    ) {
        self.key = key
        self.condition = condition
        self.consent = consent
        self.functions = functions
        self.textFunctions = textFunctions
        self.structure = structure
        self.validate = validate
        self.constant = constant
        constantText = constant.isProperty ? constant.jsonText : []
        var isPlain = key != nil && condition == nil && consent == nil && functions.isEmpty && validate == nil
        if case .none = structure {} else { isPlain = false }
        self.isPlain = isPlain
        isFinal = functions.isEmpty && validate == nil
    }
}

/// Values tried in order until one is there.
struct MappingValueList: Sendable {
    let values: [MappingValue]
    /// The only value, if it is a plain one.
    let plain: MappingItem?

    init(values: [MappingValue]) {
        self.values = values
        if values.count == 1, case .item(let item) = values[0], item.isPlain { plain = item } else { plain = nil }
    }
}
