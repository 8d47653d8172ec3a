import Collector
import GRDB

/// What becomes of an event after an error of SQLite ([result codes](https://www.sqlite.org/rescode.html)).
enum SQLiteOutcome {
    /// Whether the code speaks of the event; otherwise the database is to blame, which may be well a moment later.
    static func isFinal(_ code: ResultCode) -> Bool {
        switch code.primaryResultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE: true
        default: false
        }
    }

    /// How long a database is left alone that somebody has to mend; nil for one that mends itself.
    static func pause(_ code: ResultCode) -> Duration? {
        switch code.primaryResultCode {
        case .SQLITE_AUTH, .SQLITE_PERM, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_NOLFS,
            .SQLITE_MISUSE, .SQLITE_READONLY:
            .seconds(5)
        default: nil
        }
    }

    /// The outcome after an error; its words name tables and columns, never values.
    static func outcome(_ error: any Error) -> DeliveryOutcome {
        switch error {
        case let error as DatabaseError:
            isFinal(error.extendedResultCode)
                ? .rejected(reason: words(error))
                : .retry(after: pause(error.extendedResultCode), reason: words(error))
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
