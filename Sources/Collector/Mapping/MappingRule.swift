public import EventJSON

/// What a mapping says about events of one kind, compiled.
///
/// Members in JSON: `condition`, `consent`, `policy`, `ignore`, `name`, `data`, `include`, `remove`, `silent`,
/// `settings`, `batch`.
public final class MappingRule: Sendable {
    /// The rule's `settings`, which only the destination understands; missing if there are none.
    public let settings: JSONValue
    /// How the rule's events are to be gathered before delivery; nil to follow the destination.
    public let batch: BatchOptions?
    /// Whether the rule asks the destination for quiet; most take no notice.
    public let isSilent: Bool

    let condition: Matcher?
    let consent: ConsentRequirement
    let policy: [MappingPolicy]
    let isIgnored: Bool
    let name: String?
    /// The name as JSON text; empty if there is none.
    let nameText: [UInt8]
    let data: MappingValueList?
    let include: [IncludeSection]?
    let remove: [MemberPath]
    /// Policy and data, compiled for text.
    let program: TextProgram

    private static let members = [
        "batch", "condition", "consent", "data", "ignore", "include", "name", "policy", "remove", "settings", "silent",
    ]

    init(_ members: JSONObject, path: [String], compiler: inout MappingCompiler) {
        var known = Self.members
        if members.contains("extend") {
            compiler.problems.add(
                path + ["extend"],
                "\"extend\" changes a rule that a package ships; there is none here, so write the whole rule"
            )
            known.append("extend")
        }
        if members.contains("skip") {
            compiler.problems.add(path + ["skip"], "\"skip\" is called \"silent\" since version 4")
            known.append("skip")
        }
        compiler.problems.refuseUnknownMembers(members.map(\.name), known: known, path: path, of: "a mapping rule")
        settings = members["settings"]
        batch = BatchOptions(members["batch"], path: path + ["batch"], problems: &compiler.problems)
        isSilent = members["silent"].isTruthy
        condition = compiler.condition(members["condition"], path: path + ["condition"])
        consent = members["consent"].object.map(ConsentRequirement.init) ?? .none
        policy = MappingPolicy.list(members["policy"], path: path + ["policy"], compiler: &compiler)
        isIgnored = members["ignore"].isTruthy
        name = members["name"].string.flatMap { $0.isEmpty ? nil : $0 }
        nameText = name.map { JSONValue.string($0).jsonText } ?? []
        data = members.contains("data") ? compiler.list(members["data"], path: path + ["data"]) : nil
        include = IncludeSection.list(members["include"], path: path + ["include"], problems: &compiler.problems)
        program = TextProgram(policy: policy, data: data)
        remove = (members["remove"].array ?? []).compactMap { $0.string.map(MemberPath.init) }
        if !members["remove"].isMissing, members["remove"].array?.allSatisfy({ $0.string != nil }) != true {
            compiler.problems.add(path + ["remove"], "\"remove\" is an array of paths")
        }
    }
}

extension MappingRule {
    /// Whether the rule's condition, if it has one, holds for the event, which is made only to be asked.
    func applies(to event: @autoclosure () -> Event) -> Bool {
        condition?.matches(MatcherSubject(event: event(), value: .missing)) ?? true
    }
}

/// One entry of a policy: where a value is written in the event, and which.
struct MappingPolicy: Sendable {
    let path: MemberPath
    let value: MappingValueList

    static func list(_ value: JSONValue, path: [String], compiler: inout MappingCompiler) -> [MappingPolicy] {
        if value.isMissing { return [] }
        guard let members = value.object else {
            compiler.problems.add(path, "a policy is an object: path in the event → value")
            return []
        }
        return members.map {
            MappingPolicy(path: MemberPath($0.name), value: compiler.list($0.value, path: path + [$0.name]))
        }
    }
}
