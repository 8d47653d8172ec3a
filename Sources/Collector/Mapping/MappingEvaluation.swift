import EventJSON

/// One pass of values over an event: the input, what may be known, and what went wrong.
struct MappingEvaluation {
    typealias Input = MappingInput

    /// The event being mapped; nil for values outside an event.
    var event: Event?
    /// The consent that counts where the input has none of its own.
    let consent: JSONObject
    /// The time in milliseconds since 1970.
    let nowMilliseconds: Int
    /// How many values failed; each is taken for missing.
    var failureCount = 0

    init(event: Event?, consent: JSONObject, nowMilliseconds: Int) {
        self.event = event
        self.consent = consent
        self.nowMilliseconds = nowMilliseconds
    }

    /// The first value of the list that is there.
    mutating func evaluate(_ list: MappingValueList, _ input: Input) -> JSONValue {
        if input.isMissing { return .missing }
        if let plain = list.plain, let key = plain.key {
            return property(input.value(at: key, fallback: plain.constant), plain)
        }
        for value in list.values {
            guard let result = evaluate(value, input) else {
                failureCount += 1
                continue
            }
            if !result.isMissing { return result }
        }
        return .missing
    }

    /// The value, or nil if a null literal made it fail.
    mutating func evaluate(_ value: MappingValue, _ input: Input) -> JSONValue? {
        switch value {
        case .nothing: return .missing
        case .failure: return nil
        case .item(let item): return evaluate(item, input)
        case .firstTruthy(let values):
            var result = JSONValue.missing
            for value in values where !result.isTruthy {
                guard let next = evaluate(value, input) else { return nil }
                result = next
            }
            return result
        }
    }

    private mutating func evaluate(_ item: MappingItem, _ input: Input) -> JSONValue? {
        if item.isPlain, let key = item.key {
            return property(input.value(at: key, fallback: item.constant), item)
        }
        if let condition = item.condition, !matches(condition, value: input) { return .missing }
        if let requirement = item.consent, !requirement.isSatisfied(by: input.consent ?? consent) {
            return item.constant
        }
        // What is put together of values that were checked one by one needs no check of its own.
        guard var result = selected(by: item, from: input) else { return nil }
        if item.isFinal, case .map = item.structure { return result }
        if !item.functions.isEmpty {
            let context = MappingFunctionContext(event: event, nowMilliseconds: nowMilliseconds)
            for function in item.functions { result = function(result, context) }
        }
        if let validate = item.validate, !matches(validate, value: .value(result)) { result = .missing }
        return property(result, item)
    }

    /// The value if it may be one, else the constant if that may.
    private func property(_ value: JSONValue, _ item: MappingItem) -> JSONValue {
        if !value.isMissing, value.isProperty { return value }
        return item.constant.isProperty ? item.constant : .missing
    }

    private mutating func selected(by item: MappingItem, from input: Input) -> JSONValue? {
        switch item.structure {
        case .loop(let scope, let element):
            let list: JSONValue =
                switch scope {
                case .this: .array([input.whole])
                case .value(let scope): evaluate(scope, input)
                }
            guard case .array(let elements) = list else { return plain(item, input) }
            var results: [JSONValue] = []
            for value in elements {
                // An array of one holding the event itself is looped over with the event as input.
                let result = evaluate(element, isThis(scope) ? input : .value(value))
                if !result.isMissing { results.append(result) }
            }
            return .array(results)
        case .map(let entries):
            // The entries are an object's members: each name once, and in order.
            var object = JSONObject()
            object.reserveCapacity(entries.count)
            for entry in entries {
                let result = evaluate(entry.value, input)
                if !result.isMissing { object.append(entry.name, result) }
            }
            return .object(object)
        case .set(let values):
            var results: [JSONValue] = []
            for value in values {
                guard let result = evaluate(value, input) else { return nil }
                results.append(result)
            }
            return .array(results)
        case .none: return plain(item, input)
        }
    }

    private func isThis(_ scope: MappingItem.LoopScope) -> Bool {
        if case .this = scope { true } else { false }
    }

    private func plain(_ item: MappingItem, _ input: Input) -> JSONValue {
        if let key = item.key { return input.value(at: key, fallback: item.constant) }
        return item.constant.isMissing ? input.whole : item.constant
    }

    private func matches(_ matcher: Matcher, value: Input) -> Bool {
        switch (event, value) {
        case (.some(let event), .event): matcher.matches(MatcherSubject(event: event, value: .missing))
        case (.some(let event), .value):
            matcher.matches(MatcherSubject(event: event, value: value.whole))
        case (nil, _): matcher.matches(MatcherSubject(value.whole))
        }
    }
}
