import ArgumentParser
import DurableLog
import Foundation

/// Which log a tool looks at.
struct LogPlace: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help: "The log in this directory, which no daemon uses now. Default: where the daemon keeps it.",
        completion: .directory
    )
    var directory: String?

    @Option(help: "The log of a running daemon: its admin door, as it was started with.")
    var admin: AdminAddress?

    func validate() throws {
        guard admin == nil || directory == nil else {
            throw ValidationError("--admin and --data-dir exclude each other")
        }
    }

    /// The log, to look at.
    func access() throws -> any LogAccess {
        if let admin { return AdminLog(admin) }
        return try DirectoryLog(path: DataOptions.path(named: directory))
    }

    /// The log of a running daemon, for what cannot be had of a directory.
    func running(for what: String) throws -> AdminLog {
        guard let admin else { throw CommandError("\(what): name its admin door with --admin ADDRESS") }
        return AdminLog(admin)
    }

    /// The log, to change it.
    func changes() async throws -> any LogChanges {
        if let admin { return AdminLog(admin) }
        return try await DirectoryChanges(path: DataOptions.path(named: directory))
    }

    /// Changes the log, and ends the access whatever came of it.
    func change(_ body: (any LogChanges) async throws -> Void) async throws {
        let changes = try await changes()
        do {
            try await body(changes)
        } catch {
            await changes.close()
            throw error
        }
        await changes.close()
    }
}

/// A place in a stream as users write it: an offset, a position, or a time.
enum LogPoint: ExpressibleByArgument {
    case offset(StreamOffset)
    case time(milliseconds: Int)

    init?(argument: String) {
        if let offset = StreamOffset(argument) {
            self = .offset(offset)
        } else if let position = UInt64(argument) {
            self = .offset(StreamOffset(position: position))
        } else if let date = try? Date(argument, strategy: .iso8601) {
            self = .time(milliseconds: Int((date.timeIntervalSince1970 * 1000).rounded()))
        } else {
            return nil
        }
    }

    /// The offset of that place.
    func offset(in stream: LogStream, _ access: any LogAccess) async throws -> StreamOffset {
        switch self {
        case .offset(let offset): offset
        case .time(let milliseconds): try await access.offset(atMilliseconds: milliseconds, in: stream)
        }
    }
}
