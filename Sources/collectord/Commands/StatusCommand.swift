import ArgumentParser
import EventJSON
import NIOHTTP1

/// `collectord status`: what a running daemon has done, and what waits.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print a running daemon's counts as JSON: sources, destinations, what waits, what fails and why."
    )

    @Option(help: "The daemon's admin door: a port, 127.0.0.1:PORT or unix:PATH, as it was started with.")
    var admin: AdminAddress

    func run() async throws {
        let answer = try await AdminClient(address: admin).send(.GET, "/status")
        guard answer.status == 200, let status = try? JSONValue(jsonText: answer.text) else {
            throw CommandError("the daemon answered \(answer.status)")
        }
        print(JanssonText.write(status))
    }
}
