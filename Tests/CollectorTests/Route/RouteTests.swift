import EventJSON
import Testing

@testable import Collector

@Suite("Routes")
struct RouteTests {
    private func route(_ value: JSONValue, allowsMany: Bool = true) -> (route: Route?, problems: ConfigurationProblems)
    {
        var problems = ConfigurationProblems()
        return (Route(value, allowsMany: allowsMany, path: ["next"], problems: &problems), problems)
    }

    private func match(_ value: JSONValue, _ route: JSONObject) -> JSONValue {
        let condition: JSONObject = ["match": ["key": "ingest.path", "operator": "eq", "value": value]]
        return .object(condition.assigning(route))
    }

    private func step(_ id: String, isFollowed: Bool = true) -> Route.Step {
        Route.Step(id: id, isFollowed: isFollowed)
    }

    @Test("a text is followed by the step's own next, a list of texts is not")
    func followed() {
        let subject = MatcherSubject([:])
        #expect(route("a").route?.way(for: subject).steps == [step("a")])
        #expect(
            route(["a", "b"]).route?.way(for: subject).steps
                == [step("a", isFollowed: false), step("b", isFollowed: false)]
        )
        #expect(route([]).route == nil)
        #expect(route(.missing).route == nil)
    }

    @Test("many divides the way and ends it")
    func many() {
        let subject = MatcherSubject(["ingest": ["path": "/x"]])
        let divided = route([
            "a", ["many": ["b", match("/x", ["next": ["c", "d"]]), match("/y", ["next": "e"])]], "f",
        ])
        #expect(
            divided.route?.way(for: subject)
                == Route.Way(
                    steps: [step("a")],
                    branches: [[step("b")], [step("c", isFollowed: false), step("d", isFollowed: false)]]
                )
        )
        let nested = route(["many": [["a", ["many": ["b", "c"]]], "d"]])
        #expect(
            nested.route?.way(for: subject).branches
                == [[step("a"), step("b")], [step("a"), step("c")], [step("d")]]
        )
        let single = route(["many": [match("/x", ["next": "a"]), match("/y", ["next": "b"])]])
        #expect(single.route?.way(for: subject) == Route.Way(steps: [step("a")]))
    }

    @Test(
        "what is no route is refused with the place",
        arguments: [
            (5, ["next"]), (["a", nil], ["next", "1"]), (["next": "a", "one": []], ["next"]), ([:], ["next"]),
            (["case": "a"], ["next", "case"]), (["one": "a"], ["next", "one"]),
            (["match": ["key": "a", "operator": "ne", "value": "b"], "next": "a"], ["next", "match", "operator"]),
            (["one": [["match": "x", "next": "a"]]], ["next", "one", "0", "match"]),
            (["one": [["nxt": "a"]]], ["next", "one", "0", "nxt"]),
        ] as [(JSONValue, [String])]
    )
    func refused(_ value: JSONValue, _ path: [String]) {
        #expect(route(value).problems.list.first?.path == path)
    }

    @Test("behind the collector a route cannot divide")
    func manyForbidden() {
        let refused = route(["one": [["match": "*", "many": ["a", "b"]]]], allowsMany: false)
        #expect(refused.problems.list.map(\.path) == [["next", "one", "0", "many"]])
        #expect(refused.problems.list[0].message.contains("cannot divide here"))
    }

    @Test("routes nest only so deep")
    func depth() {
        var value: JSONValue = "a"
        for _ in 0..<40 { value = ["match": "*", "next": value] }
        #expect(route(value).problems.list.first?.message == "routes nested too deeply")
    }

    @Test("every unknown step is told, with its place and what may have been meant")
    func unknownSteps() {
        var problems = ConfigurationProblems()
        let value: JSONValue = ["one": [["match": "*", "next": ["redcat", "enrich"]], ["next": "nope"]]]
        Route(value, path: ["next"], problems: &problems)?.refuseUnknownSteps(
            known: ["redact", "enrich"],
            problems: &problems
        )
        #expect(
            problems.list.map(\.description) == [
                "next.one.0.next.0: there is no transformer \"redcat\"; did you mean \"redact\"?",
                "next.one.1.next: there is no transformer \"nope\"; known are enrich, redact",
            ]
        )
    }
}
