import EventJSON

/// One pass of values over an event: the input, what may be known, and what went wrong.
struct MappingEvaluation {
    /// What values are read from: an event, or the item of a loop.
    enum Input {
        case event(Event)
        case value(JSONValue)

        var isMissing: Bool {
            if case .value(.missing) = self { true } else { false }
        }

        /// The whole input as a tree.
        var whole: JSONValue {
            switch self {
            case .event(let event): .object(event.object)
            case .value(let value): value
            }
        }

        func value(at path: MemberPath, fallback: JSONValue) -> JSONValue {
            switch self {
            case .event(let event): path.value(in: event, fallback: fallback)
            case .value(let value): path.value(in: value, fallback: fallback)
            }
        }

        var consent: JSONObject? {
            switch self {
            case .event(let event): event[.consent].object
            case .value(let value): value["consent"].object
            }
        }
    }

    /// The event being mapped; nil for values outside an event.
    let event: Event?
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
    private mutating func evaluate(_ value: MappingValue, _ input: Input) -> JSONValue? {
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
        if let condition = item.condition, !matches(condition, value: input) { return .missing }
        if let requirement = item.consent, !requirement.isSatisfied(by: input.consent ?? consent) {
            return item.constant
        }
        guard var result = selected(by: item, from: input) else { return nil }
        if !item.functions.isEmpty {
            let context = MappingFunctionContext(event: event, nowMilliseconds: nowMilliseconds)
            for function in item.functions { result = function(result, context) }
        }
        if let validate = item.validate, !matches(validate, value: .value(result)) { result = .missing }
        if !result.isMissing, result.isProperty { return result }
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
            var object = JSONObject()
            for (name, value) in entries {
                let result = evaluate(value, input)
                if !result.isMissing { object[name] = result }
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
        case (.some(let event), .value(let value)): matcher.matches(MatcherSubject(event: event, value: value))
        case (.some(let event), .event): matcher.matches(MatcherSubject(event: event, value: .missing))
        case (nil, _): matcher.matches(MatcherSubject(value.whole))
        }
    }
}
