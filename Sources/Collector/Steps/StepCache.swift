import EventJSON

/// Which events a step need not see again for a while.
///
/// ```json
/// {"rules": [{"match": {"key": "event.name", …}, "key": ["event.name", "event.data.id"], "ttl": 60}]}
/// ```
///
/// The first rule whose condition holds gives the key: the values at its paths, joined by colons. Where all are empty
/// nothing is remembered. `ttl` is in seconds. Keys are the step's own unless `namespace` says otherwise.
public struct StepCache: Sendable {
    struct Rule: Sendable {
        let matcher: Matcher
        let key: [MemberPath]
        let lifetimeMilliseconds: Int
    }

    /// A key, and how long it is kept.
    struct Entry: Sendable, Equatable {
        let key: String
        let lifetimeMilliseconds: Int
    }

    /// At a transformer: whether a known event goes no further. At a destination: whether it is recognized before the
    /// destination's `before`, by the event as it came.
    let stops: Bool
    let store: String?
    let namespace: String?
    let rules: [Rule]

    private static let members = ["namespace", "rules", "stop", "store"]
    private static let ruleMembers = ["key", "match", "ttl"]

    init?(_ value: JSONValue, stops: Bool, path: [String], problems: inout ConfigurationProblems) {
        guard let members = value.object else {
            problems.add(path, "\"cache\" is an object with \"rules\"")
            return nil
        }
        problems.refuseUnknownMembers(members.map(\.name), known: Self.members, path: path, of: "a cache")
        self.stops = members["stop"].bool ?? stops
        if !members["stop"].isMissing, members["stop"].bool == nil {
            problems.add(path + ["stop"], "is true or false")
        }
        for name in ["namespace", "store"] where !members[name].isMissing && members[name].string == nil {
            problems.add(path + [name], "is a text")
        }
        store = members["store"].string
        namespace = members["namespace"].string
        let list = members["rules"].array ?? []
        if list.isEmpty { problems.add(path + ["rules"], "is an array of rules, at least one") }
        rules = list.enumerated().map { index, rule in
            Self.rule(rule.object ?? [:], path: path + ["rules", String(index)], problems: &problems)
        }
    }

    private static func rule(_ members: JSONObject, path: [String], problems: inout ConfigurationProblems) -> Rule {
        if members.contains("update") {
            problems.add(path + ["update"], "changes remembered answers, which is not supported; remove it")
        }
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: ruleMembers + ["update"],
            path: path,
            of: "a cache rule"
        )
        let paths = members["key"].array?.compactMap(\.string) ?? []
        if paths.isEmpty || paths.count != members["key"].array?.count {
            problems.add(path + ["key"], "is an array of paths such as \"event.data.id\"")
        }
        for (index, text) in paths.enumerated() where !isPath(text) {
            problems.add(path + ["key", String(index)], "begins with \"event.\" or \"ingest.\"")
        }
        let seconds = members["ttl"].number?.double ?? 0
        if !(seconds > 0 && seconds <= 31_536_000) {
            problems.add(path + ["ttl"], "is a number of seconds above 0, at most 31536000")
        }
        let matcher =
            members["match"].isMissing
            ? .always : Matcher(compiling: members["match"], path: path + ["match"], problems: &problems)
        return Rule(
            matcher: matcher,
            key: paths.map(MemberPath.init),
            lifetimeMilliseconds: seconds > 0 && seconds <= 31_536_000 ? max(1, Int(seconds * 1000)) : 1
        )
    }

    private static func isPath(_ text: String) -> Bool {
        text == "event" || text == "ingest" || text.hasPrefix("event.") || text.hasPrefix("ingest.")
    }

    /// The key of an event; nil if it is not remembered.
    func entry(of event: Event, ingest: JSONValue, owner: String) -> Entry? {
        let subject = MatcherSubject(event: event, ingest: ingest)
        for rule in rules where rule.matcher.matches(subject) {
            let parts = rule.key.map { path -> String in
                let value = subject.value(at: path)
                if value.isMissing || value.isNull { return "" }
                // A colon inside a value must not make two keys one: the second event would be lost.
                return value.javaScriptString.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
            }
            if parts.allSatisfy(\.isEmpty) { return nil }
            return Entry(
                key: (namespace ?? owner) + ":" + parts.joined(separator: ":"),
                lifetimeMilliseconds: rule.lifetimeMilliseconds
            )
        }
        return nil
    }
}
