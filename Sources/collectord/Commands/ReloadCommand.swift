import ArgumentParser
import EventJSON
import NIOHTTP1

/// `collectord reload`: lets a running daemon read its flow again.
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Let a running daemon exchange its flow for what the file says now.",
        discussion: "If the file is bad the old flow goes on, and what is wrong is printed; the exit code is then 1."
    )

    @Option(help: "The daemon's admin door: a port, 127.0.0.1:PORT or unix:PATH, as it was started with.")
    var admin: AdminAddress

    func run() async throws {
        let answer = try await AdminClient(address: admin).send(.POST, "/reload")
        if answer.status == 200 { return print("the flow was exchanged") }
        let reason = try? JSONValue(jsonText: answer.text)["error"].string
        throw CommandError(reason ?? "the daemon answered \(answer.status)")
    }
}
