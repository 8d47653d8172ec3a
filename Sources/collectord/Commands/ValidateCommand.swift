import ArgumentParser
import CollectorConfiguration
import EventJSON

/// `collectord validate`: tells everything that is wrong with a flow file, or with an event, a mapping or contracts.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a file; exit 0 if it is good, 1 if not, with every fault's place and remedy.",
        discussion: """
            Without --flow, all flows of a file are checked but those for browsers. What is hardly meant as it is \
            written is a warning: with --strict the exit code is then 2.
            """
    )

    /// What a file may hold.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case flow, event, mapping, contract
    }

    @Argument(help: "The file; - for standard input.", completion: .file(extensions: ["json"]))
    var file: String

    @Option(help: "What the file holds.")
    var type: Kind = .flow

    @Option(help: "The flow, if the file has several.")
    var flow: String?

    @Option(help: "How much is asked of an event: minimal, standard or strict.", transform: Self.level)
    var level: EventCheck.Level = .strict

    @Flag(help: "Exit with 2 if there are warnings.")
    var strict = false

    @Flag(help: "Print the report as JSON (event, mapping, contract).")
    var json = false

    func validate() throws {
        if json, type == .flow { throw ValidationError("--json is for --type event, mapping and contract") }
    }

    func run() async throws {
        let hasWarnings = type == .flow ? try checkFlows() : try checkPart()
        if strict, hasWarnings { throw ExitCode(2) }
    }

    private static func level(_ name: String) throws -> EventCheck.Level {
        guard let level = EventCheck.Level(rawValue: name) else {
            throw ValidationError("--level is minimal, standard or strict")
        }
        return level
    }

    private func checkFlows() throws -> Bool {
        let content = try FlowFile(text: FileText.read(file), name: file)
        for name in flow.map({ [$0] }) ?? content.serverFlowNames {
            let flow = try FlowLoading.flow(content, named: name)
            print(
                "\(file): flow \"\(name)\" is valid: \(flow.sources.count) sources, \(flow.destinations.count) destinations"
            )
        }
        let warnings = content.warnings(flow: flow)
        for warning in warnings { print("warning: \(warning)") }
        return !warnings.isEmpty
    }

    private func checkPart() throws -> Bool {
        let value: JSONValue
        do {
            value = try JSONValue(jsonText: FileText.read(file))
        } catch let error as JSONError {
            throw CommandError("\(file): \(error)")
        }
        let report =
            switch type {
            case .mapping: MappingCheck.check(value)
            case .contract: ContractCheck.check(value)
            case .event, .flow: EventCheck.check(value, level: level)
            }
        if json {
            print(JanssonText.write(report.json(type: type.rawValue)))
        } else {
            for error in report.errors { print("\(file): \(error.path): \(error.message)") }
            for warning in report.warnings { print("warning: \(file): \(warning.path): \(warning.message)") }
            if report.isValid { print("\(file): the \(type.rawValue) is valid") }
        }
        if !report.isValid { throw ExitCode.failure }
        return !report.warnings.isEmpty
    }
}
