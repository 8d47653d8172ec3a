import EventJSON
import TestSupport
import Testing

@testable import Collector

/// The recorded cases of walkerOS's mapping functions.
@Suite("Recorded mapping")
struct MappingVectorTests {
    private static let file = "walkeros/mapping.json"

    @Test("values", arguments: Fixtures.vectors(file, kind: "value"))
    func value(_ vector: Vector) {
        let input = vector.input
        var compiler = MappingCompiler(functions: .standard)
        let list = compiler.list(input["mapping"], path: [])
        let consent = input["contextConsent"].object ?? input["collectorConsent"].object ?? [:]
        let event = input["event"].object.map { Event(partial: $0) }
        var evaluation = MappingEvaluation(event: event, consent: consent, nowMilliseconds: 0)
        let result = evaluation.evaluate(list, event.map { .event($0) } ?? .value(input["event"]))
        expect(result, vector.expected)
        #expect(evaluation.failureCount == vector.expected["failedDelta"].number?.integer)

        // The same over text, as events from senders are.
        guard let event, let completed = try? Event(jsonText: JSONValue.object(event.object).jsonText) else { return }
        var second = MappingEvaluation(event: completed, consent: consent, nowMilliseconds: 0)
        if list.values.contains(where: { if case .item = $0 { true } else { false } }) {
            #expect(second.evaluate(list, .event(completed)).text == result.text)
        }
    }

    @Test("rule look-up", arguments: Fixtures.vectors(file, kind: "rule"))
    func rule(_ vector: Vector) {
        var compiler = MappingCompiler(functions: .standard)
        let rules = MappingRules(vector.input["mapping"], path: [], compiler: &compiler)
        let event = Event(partial: vector.input["event"].object ?? [:])
        let (rule, key) = rules.rule(for: event)
        #expect((rule != nil) == vector.expected["matched"].bool)
        #expect(rule?.name == vector.expected["rule"]["name"].string)
        #expect(key == vector.expected["mappingKey"].string)
    }

    @Test("whole events", arguments: Fixtures.vectors(file, kind: "process"))
    func process(_ vector: Vector) throws {
        var problems = ConfigurationProblems()
        let mapping = Mapping(vector.input["config"].object ?? [:], problems: &problems)
        let event = Event(partial: vector.input["event"].object ?? [:])
        let mapped = mapping.map(event, consent: [:], nowMilliseconds: 0)
        let expected = vector.expected
        if Differences.mapping[vector.id] != nil {
            #expect(mapped.isConsentDenied)
            return
        }
        #expect(JSONValue.object(mapped.event.object) == expected["event"]["value"], "\(mapped.event.object)")
        expect(mapped.data, expected["data"])
        #expect(mapped.ruleKey == expected["mappingKey"].string)
        #expect((mapped.rule != nil) == expected["ruleMatched"].bool)
        #expect(mapped.isIgnored == expected["ignore"].bool)
        #expect((mapped.rule?.isSilent ?? false) == expected["silent"].bool)
        #expect(mapped.failureCount == expected["failedDelta"].number?.integer)
    }

    @Test("consent", arguments: Fixtures.vectors(file, kind: "consent"))
    func consent(_ vector: Vector) {
        let input = vector.input
        let requirement = ConsentRequirement(input["required"].object ?? [:])
        let granted = ConsentStates.granted(
            collector: input["state"].object ?? [:],
            event: input["individual"].object ?? [:]
        )
        let isGranted = requirement.isSatisfied(by: granted)
        #expect(isGranted == vector.expected["granted"].bool)
        if isGranted { #expect(JSONValue.object(granted).text == vector.expected["text"].string) }
    }

    @Test("matchers", arguments: Fixtures.vectors(file, kind: "match"))
    func match(_ vector: Vector) {
        var problems = ConfigurationProblems()
        let matcher = Matcher(compiling: vector.input["expression"], path: [], problems: &problems)
        let result = matcher.matches(MatcherSubject(vector.input["context"]))
        if vector.expected["throws"].isMissing {
            #expect(result == vector.expected["result"].bool)
        } else {
            #expect(!problems.isEmpty)
        }
    }

    @Test("assign", arguments: Fixtures.vectors(file, kind: "assign"))
    func assign(_ vector: Vector) {
        // The options of walkerOS's function have no counterpart: nothing here needs them.
        guard vector.input["options"].isMissing else { return }
        let target = vector.input["target"].object ?? [:]
        let result = target.assigning(vector.input["source"].object ?? [:])
        #expect(JSONValue.object(result).text == vector.expected["text"].string)
    }

    @Test("paths set", arguments: Fixtures.vectors(file, kind: "setByPath"))
    func setByPath(_ vector: Vector) {
        var root = vector.input["object"]
        MemberPath(vector.input["path"].string ?? "").set(vector.input["value"], in: &root)
        #expect(root.text == vector.expected["text"].string)
    }

    @Test("paths deleted", arguments: Fixtures.vectors(file, kind: "deleteByPath"))
    func deleteByPath(_ vector: Vector) {
        var root = vector.input["object"]
        MemberPath(vector.input["path"].string ?? "").delete(in: &root)
        #expect(root.text == vector.expected["text"].string)
    }

    @Test("traceparent", arguments: Fixtures.vectors(file, kind: "traceparent"))
    func traceparent(_ vector: Vector) {
        let result = vector.input["value"].string.flatMap(TraceParent.init)
        #expect((result == nil) == vector.expected["result"].isNull)
        if let result {
            #expect(result.traceID == vector.expected["result"]["traceId"].string)
        }
    }

    @Test("anonymizeIP", arguments: Fixtures.vectors(file, kind: "anonymizeIP"))
    func anonymizeIP(_ vector: Vector) {
        #expect(AnonymizedIP.text(of: vector.input["value"].string ?? "") == vector.expected["value"].string)
    }

    @Test("routes", arguments: Fixtures.vectors(file, kind: "route"))
    func route(_ vector: Vector) throws {
        var problems = ConfigurationProblems()
        let route = try #require(Route(vector.input["spec"], problems: &problems))
        #expect(problems.isEmpty, "\(problems.list)")
        let way = route.way(for: MatcherSubject(vector.input["context"]))
        let ids = (way.steps + way.branches.flatMap { $0 }).map { JSONValue.string($0.id) }
        #expect(.array(ids) == vector.expected["next"])
    }

    @Test("rules over shipped ones", arguments: Fixtures.vectors(file, kind: "mergeMappingRule"))
    func mergeMappingRule(_ vector: Vector) {
        let merged = MappingRuleMerge.rule(
            vector.input["base"].object ?? [:],
            vector.input["override"].object ?? [:]
        )
        #expect(JSONValue.object(merged).text == vector.expected["text"].string)
    }

    @Test("query strings", arguments: Fixtures.vectors(file, kind: "param"))
    func param(_ vector: Vector) {
        #expect(QueryString.text(of: vector.input["data"]) == vector.expected["value"].string)
    }

    @Test("user agents", arguments: Fixtures.vectors(file, kind: "userAgent"))
    func userAgent(_ vector: Vector) {
        let user = UserAgentText.user(of: vector.input["value"].string ?? "")
        #expect(JSONValue.object(user).text == vector.expected["value"].text)
    }

    @Test("bodies", arguments: Fixtures.vectors(file, kind: "envelope"))
    func envelope(_ vector: Vector) throws {
        let body = vector.input["body"].jsonText
        try body.withUnsafeBufferPointer { bytes in
            let batch = try EventBatch(json: bytes)
            #expect(batch.isList == vector.expected["batch"].bool)
            let events = vector.expected["events"].array ?? []
            #expect(batch.count == events.count)
            for (incoming, event) in zip(batch.events, events) {
                #expect((incoming.kind == .object) == (event.object != nil))
                #expect(incoming.object(in: bytes) == event.object ?? [:])
            }
        }
    }

    private func expect(_ result: JSONValue, _ expected: JSONValue) {
        #expect(!result.isMissing == (expected["defined"].bool ?? false), "\(result)")
        if expected["defined"].bool == true { #expect(result.text == expected["text"].string) }
    }
}
