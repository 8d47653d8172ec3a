public import EventJSON

/// A step of a value's `fn`: takes a value and gives one; missing means that there is none.
///
/// ```swift
/// var functions = MappingFunctions.standard
/// functions.register("domain") { value, _ in
///     guard let email = value.string else { return .missing }
///     return .string(String(email.drop { $0 != "@" }.dropFirst()))
/// }
/// ```
///
/// A function must be pure and quick: it runs for every event, on the thread that brought the event.
public typealias MappingFunction = @Sendable (JSONValue, MappingFunctionContext) -> JSONValue

/// What a mapping function may know besides its value.
public struct MappingFunctionContext: Sendable {
    /// The event being mapped, where there is one.
    public let event: Event?
    /// The time of mapping in milliseconds since 1970.
    public let nowMilliseconds: Int
}

/// The functions and conditions that a mapping may name.
public struct MappingFunctions: Sendable {
    /// Makes a function from what stands beside its name in JSON; throws a sentence if that cannot be honoured.
    public typealias Factory = @Sendable (JSONValue) throws -> MappingFunction

    private(set) var factories: [String: Factory]
    private(set) var conditions: [String: MappingCondition] = [:]
    /// Standard functions that something else was registered for.
    private var replacedNames: Set<String> = []

    init(factories: [String: Factory]) {
        self.factories = factories
    }

    /// Adds a function that takes no arguments.
    public mutating func register(_ name: String, _ function: @escaping MappingFunction) {
        register(name) { (arguments: JSONValue) in
            guard arguments.isMissing else { throw MappingFunctionError("takes no arguments") }
            return function
        }
    }

    /// Adds a function with arguments, written `{"name": arguments}`.
    public mutating func register(_ name: String, factory: @escaping Factory) {
        factories[name] = factory
        replacedNames.insert(name)
    }

    /// Adds a condition that `condition` and `validate` may name.
    public mutating func register(condition name: String, _ condition: @escaping MappingCondition) {
        conditions[name] = condition
    }

    /// The functions of a value's `fn` if each of them works on text; nil otherwise, and if there are none.
    func textFunctions(_ value: JSONValue) -> [TextFunction]? {
        let steps = value.array ?? (value.isMissing ? [] : [value])
        let functions = steps.compactMap(\.string).filter { !replacedNames.contains($0) }.compactMap(TextFunction.init)
        return functions.isEmpty || functions.count != steps.count ? nil : functions
    }

    /// The names of all functions, sorted.
    public var names: [String] { factories.keys.sorted() }
}

/// Why a function cannot be used as written.
public struct MappingFunctionError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and what to write, without any secret.
    public let description: String

    /// An error with that sentence.
    public init(_ description: String) {
        self.description = description
    }
}
