import ArgumentParser
import CollectorConfiguration

/// `collectord run`: takes events until it is told to stop.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Take events until SIGTERM or SIGINT, which let what is under way be delivered.",
        discussion: """
            An event is answered once it is on the disk, and kept there until every destination has it. \
            Without a file, events are taken at /collect and printed on standard output. SIGHUP reads the file again and \
            exchanges the flow; a bad one changes nothing.
            """
    )

    @Argument(help: "The flow file.", completion: .file(extensions: ["json"]))
    var file: String?

    @Option(help: "The flow, if the file has several.")
    var flow: String?

    @OptionGroup var listen: ListenOptions

    @OptionGroup var data: DataOptions

    @Option(help: "Listen here for status and reload: a port of this machine's own, 127.0.0.1:PORT or unix:PATH.")
    var admin: AdminAddress?

    @OptionGroup var logging: LogOptions

    func run() async throws {
        let first = try FlowLoading.flow(file: file, named: flow)
        logging.bootstrap(flowLevel: first.logLevel)
        let directory = try await data.open()
        let running = RunningFlow(first, options: listen, data: directory) { [file, flow] in
            guard file != "-" else { throw CommandError("the flow came from standard input, which is read once") }
            return try FlowLoading.flow(file: file, named: flow)
        }
        try await Daemon(running: running, listen: listen, admin: admin, isDefault: file == nil).run()
    }
}
