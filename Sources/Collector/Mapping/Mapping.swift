public import EventJSON

/// What a destination or a source makes of an event: consent, policy, rules, data. Compiled once, then pure.
///
/// ```swift
/// let mapping = try Mapping(["mapping": ["order": ["complete": ["name": "purchase"]]]])
/// ```
///
/// Evaluation never throws: a value that fails is missing, and the failure is counted.
/// The model is walkerOS's ([Mapping](https://www.walkeros.io/docs/mapping)).
public struct Mapping: Sendable {
    /// The consent an event needs to be delivered at all.
    public var consent: ConsentRequirement { content.consent }
    let content: Content

    /// What was compiled; one reference, since mappings are handed on with every event.
    final class Content: Sendable {
        let consent: ConsentRequirement
        let policy: [MappingPolicy]
        let data: MappingValueList?
        let include: [IncludeSection]?
        let rules: MappingRules?
        /// Policy and data, compiled for text.
        let program: TextProgram
        /// Whether every event is left as it is.
        let isIdentity: Bool

        init(
            consent: ConsentRequirement = .none,
            policy: [MappingPolicy] = [],
            data: MappingValueList? = nil,
            include: [IncludeSection]? = nil,
            rules: MappingRules? = nil
        ) {
            self.consent = consent
            self.policy = policy
            self.data = data
            self.include = include
            self.rules = rules
            program = TextProgram(policy: policy, data: data)
            isIdentity = policy.isEmpty && data == nil && include == nil && rules == nil
        }
    }

    /// The batch options of all rules that have some.
    var batchOptions: [BatchOptions] { content.rules?.batchOptions ?? [] }

    private var policy: [MappingPolicy] { content.policy }
    private var data: MappingValueList? { content.data }
    private var include: [IncludeSection]? { content.include }
    private var rules: MappingRules? { content.rules }

    /// The members of a source's or destination's configuration that make up its mapping.
    public static let members = ["consent", "data", "include", "mapping", "policy"]

    /// Changes nothing and asks for nothing.
    public static let none = Mapping()

    private init() {
        content = Content()
    }

    /// Compiles the mapping members of a configuration; other members are left to the caller.
    ///
    /// What cannot be honoured is added to `problems` with its path; the mapping then does without it.
    public init(
        _ configuration: JSONObject,
        functions: MappingFunctions = .standard,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        var compiler = MappingCompiler(functions: functions, problems: problems)
        content = Content(
            consent: Self.requirement(
                configuration["consent"],
                path: path + ["consent"],
                problems: &compiler.problems
            ),
            policy: MappingPolicy.list(configuration["policy"], path: path + ["policy"], compiler: &compiler),
            data: configuration.contains("data") ? compiler.list(configuration["data"], path: path + ["data"]) : nil,
            include: IncludeSection.list(
                configuration["include"],
                path: path + ["include"],
                problems: &compiler.problems
            ),
            rules: configuration.contains("mapping")
                ? MappingRules(configuration["mapping"], path: path + ["mapping"], compiler: &compiler) : nil
        )
        problems = compiler.problems
    }

    /// Compiles the mapping members of a configuration.
    ///
    /// - Throws: the first `ConfigurationProblem`, if there is one.
    public init(_ configuration: JSONObject, functions: MappingFunctions = .standard) throws(ConfigurationProblem) {
        var problems = ConfigurationProblems()
        self.init(configuration, functions: functions, problems: &problems)
        if let problem = problems.list.first { throw problem }
    }

    private static func requirement(
        _ value: JSONValue,
        path: [String],
        problems: inout ConfigurationProblems
    ) -> ConsentRequirement {
        if value.isMissing { return .none }
        guard let members = value.object else {
            problems.add(path, "\"consent\" is an object: name → true")
            return .none
        }
        return ConsentRequirement(members)
    }

    /// Whether every event passes unchanged, whatever its consent.
    var changesNothing: Bool { isIdentity && consent.isEmpty }

    /// Whether the mapping leaves every event as it is.
    public var isIdentity: Bool { content.isIdentity }
}

/// What mapping made of an event.
public struct MappedEvent: Sendable {
    /// The event after policies and the rule's name.
    public var event: Event
    /// The mapped data.
    var content = MappedData.missing
    /// The mapped data as a tree; missing if there is none.
    public var data: JSONValue {
        get { content.value }
        set { content = .tree(newValue) }
    }
    /// The rule that matched, if any.
    public var rule: MappingRule?
    /// The rule's place: "product view", "product *"; "" when no rule matched, nil when there are no rules to match.
    public var ruleKey: String?
    /// Whether the rule says that the event is not for this destination.
    public var isIgnored = false
    /// Whether the rule asks for consent that the event lacks.
    public var isConsentDenied = false
    /// How many values could not be computed.
    public var failureCount = 0
}

extension Mapping {
    /// Maps an event.
    ///
    /// Order: the mapping's policies, the rule for the resulting name, the rule's policies, data, the rule's name and
    /// data, include, remove. The values of one policy block are all computed before any is written.
    ///
    /// - Parameters:
    ///   - event: The event, its consent member already reduced to what is granted.
    ///   - consent: The collector's consent, for inputs that carry none.
    ///   - nowMilliseconds: The time for the functions that ask for it.
    public func map(_ event: Event, consent: JSONObject, nowMilliseconds: Int) -> MappedEvent {
        map(event, consent: consent, nowMilliseconds: { nowMilliseconds })
    }

    /// Maps an event; the time is asked for only if something needs it.
    func map(_ event: Event, consent: JSONObject, nowMilliseconds: @escaping @Sendable () -> Int) -> MappedEvent {
        if isIdentity { return MappedEvent(event: event) }
        if let text = event.wholeText {
            var mapping = TextMapping(
                content,
                event: event,
                text: text,
                consent: consent,
                nowMilliseconds: nowMilliseconds
            )
            if let mapped = mapping.map() { return finished(mapped) }
        }
        return finished(mapTree(event, consent: consent, nowMilliseconds: nowMilliseconds()))
    }

    private func mapTree(_ event: Event, consent: JSONObject, nowMilliseconds: Int) -> MappedEvent {
        var mapped = MappedEvent(event: event)
        apply(policy, to: &mapped, consent: consent, nowMilliseconds: nowMilliseconds)
        if let rules {
            (mapped.rule, mapped.ruleKey) = rules.rule(for: mapped.event)
        }
        if let rule = mapped.rule {
            if !rule.consent.isEmpty, !rule.consent.isSatisfied(by: mapped.event[.consent].object ?? consent) {
                mapped.isConsentDenied = true
                return mapped
            }
            apply(rule.policy, to: &mapped, consent: consent, nowMilliseconds: nowMilliseconds)
        }
        var evaluation = MappingEvaluation(event: mapped.event, consent: consent, nowMilliseconds: nowMilliseconds)
        if let data { mapped.data = evaluation.evaluate(data, .event(mapped.event)) }
        if let rule = mapped.rule {
            if rule.isIgnored {
                mapped.isIgnored = true
                mapped.failureCount += evaluation.failureCount
                return mapped
            }
            if let name = rule.name { mapped.event[.name] = .string(name) }
            if let data = rule.data {
                let ruleData = evaluation.evaluate(data, .event(mapped.event))
                if case .object(let base) = mapped.data, case .object(let overlay) = ruleData {
                    mapped.data = .object(base.assigning(overlay))
                } else {
                    mapped.data = ruleData
                }
            }
        }
        mapped.failureCount += evaluation.failureCount
        return mapped
    }

    /// The last steps, which are few users': what is included, what is removed.
    private func finished(_ mapped: MappedEvent) -> MappedEvent {
        let removed = mapped.rule?.remove ?? []
        let sections = mapped.rule?.include ?? include ?? []
        if mapped.isIgnored || mapped.isConsentDenied || (removed.isEmpty && sections.isEmpty) { return mapped }
        var mapped = mapped
        include(sections, in: &mapped)
        for path in removed where mapped.data.object != nil { path.delete(in: &mapped.data) }
        return mapped
    }

    private func apply(
        _ policy: [MappingPolicy],
        to mapped: inout MappedEvent,
        consent: JSONObject,
        nowMilliseconds: Int
    ) {
        if policy.isEmpty { return }
        let before = mapped.event
        var evaluation = MappingEvaluation(event: before, consent: consent, nowMilliseconds: nowMilliseconds)
        for entry in policy {
            entry.path.set(evaluation.evaluate(entry.value, .event(before)), in: &mapped.event)
        }
        mapped.failureCount += evaluation.failureCount
    }

    private func include(_ sections: [IncludeSection], in mapped: inout MappedEvent) {
        if sections.isEmpty { return }
        var included = JSONObject()
        for section in sections { section.add(from: mapped.event, to: &included) }
        switch mapped.data {
        case .missing: if !included.isEmpty { mapped.data = .object(included) }
        case .object(let data): mapped.data = .object(included.assigning(data))
        default: break
        }
    }
}
