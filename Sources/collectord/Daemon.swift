import Collector
import Foundation
import HTTPServer
import Logging
import ServiceLifecycle
import UnixSignals

/// The daemon: a flow and its admin door, until the process is told to stop. SIGHUP reads the flow again.
struct Daemon {
    let running: RunningFlow
    let listen: ListenOptions
    let admin: AdminAddress?
    /// Whether no file was given, so that a word of welcome is due.
    let isDefault: Bool

    func run() async throws {
        DescriptorLimit.raise()
        // From before anyone can know of the process: untrapped, signals would end it as it stands.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let ends = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let port = try await running.start()
        var services: [any Service] = [FlowService(running: running, hangups: hangups)]
        if let data = running.data { services.append(FenceService(fences: data.fences)) }
        do {
            if let admin { services.append(try await AdminServer.start(at: admin, running)) }
        } catch {
            await running.end()
            throw error
        }
        if isDefault { welcome(port ?? listen.port) }
        // Services end in reverse: the admin door closes first.
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }
                + [.init(service: EndService(ends: ends), successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: Logger(label: "collectord")
        )
        group.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: group).run()
    }

    private func welcome(_ port: Int) {
        let url = "\(listen.tls == nil ? "http" : "https")://localhost:\(port)/collect"
        let text = """
            collectord \(CollectorVersion.current) takes events at \(url) and prints them here. Try:

              curl -d '{"name":"page view","data":{"title":"Hello"}}' -H 'Content-Type: application/json' \(url)

            Then write a flow.json and start: collectord run flow.json

            """
        // Not `print`, whose buffer would keep the text where standard output is a pipe.
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

/// Ends the daemon at SIGTERM and SIGINT.
private struct EndService: Service {
    let ends: UnixSignalsSequence

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in ends { return }
        }
    }
}

/// Ends the daemon when its log takes nothing more: what starts in its place recovers. Until then senders get 503.
private struct FenceService: Service {
    let fences: AsyncStream<String>

    func run() async throws {
        let fence = await cancelWhenGracefulShutdown { () -> String? in
            for await reason in fences { return reason }
            return nil
        }
        guard let fence else { return }
        // As a line of its own: what the program says at its end may be torn by what others log meanwhile.
        Logger(label: "log").critical(
            "the log is closed to new events; the daemon ends",
            metadata: ["reason": "\(fence)"]
        )
        throw CommandError("the log is closed to new events: \(fence); the daemon ends")
    }
}

/// Keeps the flow until the service group shuts down, and exchanges it at SIGHUP.
private struct FlowService: Service {
    let running: RunningFlow
    let hangups: UnixSignalsSequence

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // What was wrong is in the log.
                for await _ in hangups { try? await running.reload() }
            }
            try? await gracefulShutdown()
            group.cancelAll()
        }
        await running.end()
    }
}
