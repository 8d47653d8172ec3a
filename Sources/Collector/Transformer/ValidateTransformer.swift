import EventJSON
import JSONSchema

/// Checks events against contracts and the event model, and notes the verdict on them or leaves bad ones out.
///
/// Before the collector an event has only what its sender wrote: there, of a contract's events only those under `*`
/// apply unless the sender wrote entity and action.
public struct ValidateTransformer: ImmediateTransformer {
    /// What is done with an event that is not as it should be.
    public enum Mode: String, CaseIterable, Sendable {
        /// It passes, with the verdict noted.
        case pass
        /// It is left out.
        case strict
    }

    /// "validate".
    public var type: String { "validate" }
    /// What events must look like.
    public var contracts: [EventContract] = []
    /// Whether events must be of the model and have no other members.
    public var checksFormat = false
    /// What is done with others.
    public var mode = Mode.pass
    /// Where in the event the verdict is noted, as a boolean; nil for nowhere.
    public var verdictPath: MemberPath? = MemberPath("source.valid")
    /// Where in the ingest the issues are noted; nil for nowhere.
    public var issuesPath: MemberPath? = MemberPath("validation")

    /// A transformer that checks nothing yet.
    public init() {}

    /// The verdict on an event.
    public func transform(_ input: TransformerInput) throws -> TransformerResult {
        let object = input.event.object
        var issues = checksFormat ? EventFormat.closed.issues(in: .object(object)) : []
        for contract in contracts { issues += contract.issues(in: object) }
        if !issues.isEmpty, mode == .strict { return .dropped }
        var result = TransformedEvent(input.event)
        verdictPath?.set(.bool(issues.isEmpty), in: &result.event)
        if !issues.isEmpty, let issuesPath {
            var ingest = JSONValue.object(input.ingest.object ?? [:])
            issuesPath.set(.array(issues.map(Self.json)), in: &ingest)
            result.ingest = ingest
        }
        return .changed(result)
    }

    private static func json(_ issue: JSONSchemaIssue) -> JSONValue {
        ["path": .string(issue.path), "message": .string(issue.message), "level": "error"]
    }
}

extension TransformerType {
    /// Checks events against contracts.
    public static let validate = TransformerType(
        name: "validate",
        packages: ["@walkeros/transformer-validate", "@walkeros/transformer-validator"],
        summary: "Checks events against contracts and the event model; notes the verdict or leaves bad events out.",
        settings: [
            SettingDescription(
                "contract",
                .any,
                "Contracts or JSON Schemas, all of which must hold: one, or an array."
            ),
            SettingDescription("format", .boolean, default: "false", "Whether events must be of the model."),
            SettingDescription(
                "mode",
                .choice(ValidateTransformer.Mode.allCases.map(\.rawValue)),
                default: "pass",
                "Whether bad events pass with the verdict noted, or are left out (strict)."
            ),
            SettingDescription(
                "output",
                .object([
                    SettingDescription(
                        "isValid",
                        .string,
                        default: "source.valid",
                        "Where in the event the verdict is noted; empty for nowhere."
                    ),
                    SettingDescription(
                        "errors",
                        .string,
                        default: "validation",
                        "Where in the ingest the issues are noted; empty for nowhere."
                    ),
                ]),
                "Where the verdict goes."
            ),
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(
            settings,
            path: path,
            known: ["contract", "format", "mode", "output"],
            of: "a validate transformer",
            &problems
        )
        var transformer = ValidateTransformer()
        transformer.checksFormat = reader.boolean("format") ?? false
        transformer.mode = reader.choice("mode", ValidateTransformer.Mode.self) ?? .pass
        let output = reader.texts("output", known: ["errors", "isValid"])
        if let text = output["isValid"].string { transformer.verdictPath = text.isEmpty ? nil : MemberPath(text) }
        if let text = output["errors"].string { transformer.issuesPath = text.isEmpty ? nil : MemberPath(text) }
        let contracts = reader.members["contract"]
        for (index, value) in (contracts.array ?? (contracts.isMissing ? [] : [contracts])).enumerated() {
            let place = path + ["contract"] + (contracts.array == nil ? [] : [String(index)])
            guard let members = value.object else {
                reader.problems.add(place, "a contract is an object; write \"$contract.name\" for one of the file")
                continue
            }
            transformer.contracts.append(EventContract(members, path: place, problems: &reader.problems))
        }
        if transformer.contracts.isEmpty, !transformer.checksFormat, reader.problems.isEmpty {
            reader.problems.add(path, "checks nothing; name a \"contract\", or write \"format\": true")
        }
        problems = reader.problems
        return transformer
    }
}
