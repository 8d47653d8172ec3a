public import EventJSON

/// A mapping value that stands alone, compiled: what a source's `ingest` or a state's `key` says.
///
/// ```swift
/// let value = ValueMapping(["map": ["agent": "headers.user-agent"]], problems: &problems)
/// ```
public struct ValueMapping: Sendable {
    private let list: MappingValueList

    /// A value could not be computed.
    struct Failure: Error, CustomStringConvertible {
        var description: String { "mapping processing failed" }
    }

    /// Compiles a value; what cannot be honoured is added to `problems`.
    public init(
        _ value: JSONValue,
        functions: MappingFunctions = .standard,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        var compiler = MappingCompiler(functions: functions, problems: problems)
        list = compiler.list(value, path: path)
        problems = compiler.problems
    }

    /// The value for an input; missing if there is none.
    ///
    /// - Throws: If a part of it cannot be computed.
    public func value(in input: JSONValue, nowMilliseconds: Int) throws -> JSONValue {
        try evaluated(.value(input), event: nil, consent: [:], nowMilliseconds: nowMilliseconds)
    }

    /// The value for an event; missing if there is none. `consent` counts where the event has none of its own.
    ///
    /// - Throws: If a part of it cannot be computed.
    public func value(in event: Event, consent: JSONObject, nowMilliseconds: Int) throws -> JSONValue {
        try evaluated(.event(event), event: event, consent: consent, nowMilliseconds: nowMilliseconds)
    }

    private func evaluated(
        _ input: MappingInput,
        event: Event?,
        consent: JSONObject,
        nowMilliseconds: Int
    ) throws -> JSONValue {
        var evaluation = MappingEvaluation(event: event, consent: consent, nowMilliseconds: nowMilliseconds)
        let value = evaluation.evaluate(list, input)
        if evaluation.failureCount > 0 { throw Failure() }
        return value
    }
}
