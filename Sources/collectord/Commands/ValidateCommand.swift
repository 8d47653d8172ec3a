import ArgumentParser
import CollectorConfiguration

/// `collectord validate`: tells everything that is wrong with a flow file.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a flow file; exit 0 if it can run, 1 if not, with every fault's line and remedy."
    )

    @Argument(help: "The flow file.", completion: .file(extensions: ["json"]))
    var file: String

    @Option(help: "The flow, if the file has several.")
    var flow: String?

    func run() async throws {
        let flow = try FlowLoading.flow(file: file, named: flow)
        print(
            "\(file): flow \"\(flow.name)\" is valid: \(flow.sources.count) sources, \(flow.destinations.count) destinations"
        )
    }
}
