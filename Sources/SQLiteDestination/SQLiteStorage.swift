import Collector
import Dispatch
import GRDB
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An open database. All work is done on GRDB's queue; opening and closing on a thread of their own.
final class SQLiteStorage: Sendable {
    /// A row and where it goes.
    struct Entry: Sendable {
        let table: SQLiteTableName
        let row: SQLiteRow
    }

    /// The transaction ended under a statement that was refused, and has to be begun anew without it.
    private struct TransactionLost: Error {}

    private struct FileIdentity: Equatable {
        let device: UInt64
        let number: UInt64
    }

    private static let blocking = DispatchQueue(label: "collectord.sqlite.open", attributes: .concurrent)

    private let settings: SQLiteSettings
    let database: DatabaseQueue
    private let logger: Logger
    private let identity: FileIdentity?
    /// Tables that are known to have what is needed.
    private let ready = Mutex<Set<SQLiteTableName>>([])

    /// Opens the database, and makes or checks the table.
    ///
    /// - Throws: ``SQLiteFailure`` with the file's path.
    static func open(_ settings: SQLiteSettings, logger: Logger) async throws -> SQLiteStorage {
        try await withCheckedThrowingContinuation { continuation in
            blocking.async {
                continuation.resume(with: Result { try SQLiteStorage(settings, logger) })
            }
        }
    }

    private init(_ settings: SQLiteSettings, _ logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        var configuration = Configuration()
        configuration.label = "collectord.sqlite"
        configuration.busyMode = .callback(Self.waiting(milliseconds: settings.busyTimeoutMilliseconds))
        do {
            if let path = settings.path {
                database = try DatabaseQueue(path: path, configuration: configuration)
            } else {
                database = try DatabaseQueue(configuration: configuration)
            }
            identity = settings.path.flatMap(Self.identity)
            try database.writeWithoutTransaction { database in
                if settings.path != nil {
                    let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                    guard mode == "wal" else {
                        throw SQLiteFailure("the file system does not allow WAL: put the file on a local disk")
                    }
                }
                let synchronous = settings.synchronous == .full ? "FULL" : "NORMAL"
                try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
                try database.inTransaction(.immediate) {
                    try prepare(settings.table, database)
                    return .commit
                }
            }
        } catch let error as DatabaseError {
            throw SQLiteFailure(
                "cannot open \(settings.path ?? ":memory:"): \(SQLiteOutcome.words(error)); its folder must exist and be "
                    + "writable"
            )
        } catch let failure as SQLiteFailure {
            throw SQLiteFailure("cannot open \(settings.path ?? ":memory:"): \(failure)")
        }
        ready.withLock { _ = $0.insert(settings.table) }
    }

    /// Waits for another connection's lock, on GRDB's queue, and no longer than the delivery may take: SQLite's own wait
    /// cannot be cancelled.
    private static func waiting(milliseconds: Int) -> @Sendable (Int) -> Bool {
        let step = 5
        return { attempt in
            guard attempt * step < milliseconds, !Task.isCancelled else { return false }
            usleep(UInt32(step) * 1000)
            return true
        }
    }

    /// Writes the rest of the log into the file, and closes it.
    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            Self.blocking.async {
                if self.settings.path != nil {
                    // Somebody who reads may stand in the way; then the log stays, and nothing is lost.
                    try? self.database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                }
                try? self.database.close()
                continuation.resume()
            }
        }
    }

    /// Whether the path still leads to the file that is open: what is written to a deleted one is lost.
    private var isInPlace: Bool {
        guard let path = settings.path else { return true }
        return Self.identity(of: path) == identity
    }

    private static func identity(of path: String) -> FileIdentity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    /// Writes all rows in one transaction. A row that is refused does not keep the others out.
    ///
    /// Nil if the file was moved or deleted, and the database has to be opened anew.
    func write(_ entries: [Entry]) async -> [DeliveryOutcome]? {
        do {
            return try await database.writeWithoutTransaction { database in
                self.isInPlace ? self.write(entries, database) : nil
            }
        } catch {
            let outcome = SQLiteOutcome.outcome(error)
            return entries.map { _ in outcome }
        }
    }

    private func write(_ entries: [Entry], _ database: Database) -> [DeliveryOutcome] {
        var outcomes = [DeliveryOutcome](repeating: .delivered(), count: entries.count)
        var waiting = Array(entries.indices)
        while !waiting.isEmpty {
            var refused: Set<Int> = []
            do {
                try database.inTransaction(.immediate) {
                    for index in waiting {
                        guard let rejection = try insert(entries[index], database) else { continue }
                        outcomes[index] = rejection
                        refused.insert(index)
                        if !database.isInsideTransaction { throw TransactionLost() }
                    }
                    return .commit
                }
                let written = waiting.filter { !refused.contains($0) }
                ready.withLock { ready in ready.formUnion(written.map { entries[$0].table }) }
                return outcomes
            } catch {
                waiting.removeAll { refused.contains($0) }
                if error is TransactionLost { continue }
                let outcome = SQLiteOutcome.outcome(error)
                if case .rejected = outcome, waiting.count > 1 {
                    // The commit itself was refused, and does not say because of which row.
                    for index in waiting { outcomes[index] = write([entries[index]], database)[0] }
                } else {
                    if case .retry = outcome { ready.withLock { $0.removeAll() } }
                    for index in waiting { outcomes[index] = outcome }
                }
                return outcomes
            }
        }
        return outcomes
    }

    /// Inserts a row; returns the outcome if it alone is refused.
    ///
    /// - Throws: what concerns the whole transaction.
    private func insert(_ entry: Entry, _ database: Database) throws -> DeliveryOutcome? {
        do {
            try database.inSavepoint {
                if !ready.withLock({ $0.contains(entry.table) }) { try prepare(entry.table, database) }
                let statement = try database.cachedStatement(sql: SQLiteTable.insertion(entry.table))
                try statement.execute(arguments: StatementArguments(entry.row.values.map(\.databaseValue)))
                return .commit
            }
            return nil
        } catch {
            let outcome = SQLiteOutcome.outcome(error)
            if case .rejected = outcome { return outcome }
            throw error
        }
    }

    /// Makes the table where it is missing, or looks whether it has what is needed.
    private func prepare(_ table: SQLiteTableName, _ database: Database) throws {
        let sql = "SELECT lower(name) FROM pragma_table_info(?)"
        let names = Set(try String.fetchAll(database, sql: sql, arguments: [table.text]))
        if names.isEmpty {
            guard settings.schema == .auto else {
                throw SQLiteFailure(
                    "the table \(table.quoted) is missing: make it, or set sqlite.schema to \"auto\""
                )
            }
            for statement in SQLiteTable.creation(table) { try database.execute(sql: statement) }
            return
        }
        let missing = SQLiteTable.columns.filter { !names.contains($0) }
        guard missing.isEmpty else {
            throw SQLiteFailure(
                "the table \(table.quoted) lacks the columns \(missing.joined(separator: ", ")): add them, or name another "
                    + "table in sqlite.table"
            )
        }
        if try hasIndex(table, database) { return }
        if settings.schema == .auto {
            try database.execute(sql: SQLiteTable.indexCreation(table))
        } else {
            logger.warning(
                "a table without an index on event_id is searched from end to end for every event",
                metadata: ["table": "\(table.text)", "remedy": "\(SQLiteTable.indexCreation(table))"]
            )
        }
    }

    private func hasIndex(_ table: SQLiteTableName, _ database: Database) throws -> Bool {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS info \
            WHERE info.seqno = 0 AND lower(info.name) = 'event_id')
            """
        return try Bool.fetchOne(database, sql: sql, arguments: [table.text]) ?? false
    }
}

extension SQLiteRow.Value {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        }
    }
}
