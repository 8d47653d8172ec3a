import ArgumentParser
import DurableLog
import EventLog
import Foundation
import Logging

/// Where accepted events are kept until every destination has them.
struct DataOptions: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help: """
            Keep accepted events here until every destination has them. Default: COLLECTORD_DATA_DIR, else \
            /var/lib/collectord for root, else ~/.local/state/collectord.
            """,
        completion: .directory
    )
    var directory: String?

    @Flag(help: "Keep events in memory only: answers wait for destinations, and what waits is lost with the process.")
    var memory = false

    @OptionGroup var size: LogSizeOptions

    func validate() throws {
        guard !memory || directory == nil else { throw ValidationError("--memory and --data-dir exclude each other") }
        guard !memory || size.isEmpty else {
            throw ValidationError(
                "--memory excludes --log-max-size, --log-retention and --dead-letter-max-size: there is no log"
            )
        }
    }

    /// The directory that is meant: the one that was named, or where the daemon keeps events by itself.
    static func path(named directory: String?) -> String {
        let environment = ProcessInfo.processInfo.environment
        if let directory { return directory }
        if let named = environment["COLLECTORD_DATA_DIR"], !named.isEmpty { return named }
        if geteuid() == 0 { return "/var/lib/collectord" }
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (state ?? (environment["HOME"] ?? ".") + "/.local/state") + "/collectord"
    }

    /// Opens the log, in a directory that is made if it is not there; nil in memory.
    func open() async throws -> DataDirectory? {
        if memory { return nil }
        let settings = try size.settings { ProcessInfo.processInfo.environment[$0] }
        let path = Self.path(named: directory)
        // The store makes the last of them.
        try Self.makeDirectories(above: path)
        return try await DataDirectory(path: path, settings)
    }

    /// Makes the directories that a path lies in, for this user alone.
    private static func makeDirectories(above path: String) throws {
        let above = URL(filePath: path).deletingLastPathComponent().path
        guard above != path, access(above, F_OK) != 0 else { return }
        try makeDirectories(above: above)
        guard mkdir(above, 0o700) == 0 || errno == EEXIST else {
            let reason = String(cString: strerror(errno))
            throw CommandError(
                "\(above): cannot make the directory: \(reason); choose another --data-dir, or --memory"
            )
        }
    }
}

/// The daemon's log, open.
final class DataDirectory: Sendable {
    let path: String
    let store: DurableStreamStore
    let log: EventLog
    /// Tells why the log takes nothing more.
    let fences: AsyncStream<String>

    init(path: String, _ settings: LogSizeOptions.Settings) async throws {
        self.path = path
        let logger = Logger(label: "log")
        do {
            store = try DurableStreamStore(directory: path, limits: settings.storeLimits, logger: logger)
        } catch {
            throw CommandError("\(error)")
        }
        let (fences, fence) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
        self.fences = fences
        do {
            log = try await EventLog(store: store, options: settings.logOptions) { fence.yield($0) }
        } catch {
            await store.close()
            throw CommandError("\(path): \(error)")
        }
        let report = store.recovery
        logger.info(
            "events are kept in \(path)",
            metadata: ["replayed": "\(report.replayedFrameCount)", "scanned": "\(report.scannedByteCount)"]
        )
        if report.isRebuilt { logger.warning("the log's metadata was made anew", metadata: ["directory": "\(path)"]) }
    }
}
