import ArgumentParser
import Collector

/// The daemon and its tools.
@main
struct Collectord: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collectord",
        abstract: "Collects events over HTTP, maps them by flow.json, and delivers them.",
        version: CollectorVersion.current,
        subcommands: [
            RunCommand.self, ReloadCommand.self, StatusCommand.self, ValidateCommand.self, SimulateCommand.self,
            TestCommand.self, DestinationsCommand.self, LogCommand.self, DeadLettersCommand.self, ReplayCommand.self,
            SchemaCommand.self, VersionCommand.self,
        ]
    )
}
