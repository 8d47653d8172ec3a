import Collector
import GRDB

/// What becomes of an event after an error of SQLite ([result codes](https://www.sqlite.org/rescode.html)).
enum SQLiteOutcome {
    /// Whether the code speaks of the event, or of a database that will not do whatever is tried; otherwise the state of
    /// the database is to blame, which may be another a moment later.
    static func isFinal(_ code: ResultCode) -> Bool {
        switch code.primaryResultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE: true
        case .SQLITE_AUTH, .SQLITE_PERM, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_NOLFS,
            .SQLITE_MISUSE:
            true
        // The others of this kind come from recovery and locks, and pass.
        case .SQLITE_READONLY: code == .SQLITE_READONLY || code == .SQLITE_READONLY_DIRECTORY
        default: false
        }
    }

    /// The outcome after an error; its words name tables and columns, never values.
    static func outcome(_ error: any Error) -> DeliveryOutcome {
        switch error {
        case let error as DatabaseError:
            isFinal(error.extendedResultCode)
                ? .rejected(reason: words(error)) : .retry(reason: words(error))
        case let failure as SQLiteFailure: .rejected(reason: failure.reason)
        case is CancellationError: .retry(reason: "cancelled while the database was busy")
        default: .retry(reason: "the database failed: \(type(of: error))")
        }
    }

    /// SQLite's own words, without the statement.
    static func words(_ error: DatabaseError) -> String {
        "SQLite error \(error.extendedResultCode.rawValue): \(error.message ?? "unknown")"
    }
}
