public import Collector
public import EventJSON
import Logging
import Synchronization

/// Writes each event as a row of a table in a SQLite database, each event once.
///
/// A batch is one transaction. A row that the table refuses does not keep the others out; while the database is locked
/// or the disk is full, events are tried again. All settings are described in `docs/destinations.md`.
///
/// ```swift
/// let destination = try SQLiteDestination(settings: ["sqlite": ["url": "/var/lib/shop/events.db"]])
/// ```
public final class SQLiteDestination: PreviewableDestination {
    /// "sqlite".
    public var type: String { "sqlite" }
    /// Nil if they cannot be honoured; the configuration's problems say why.
    private let settings: SQLiteSettings?
    private let state = Mutex(State())

    private struct State {
        var storage: SQLiteStorage?
        /// For opening the database again; nil before `initialize` and after `destroy`.
        var logger: Logger?
    }

    /// A destination with these settings, named as in flow.json.
    ///
    /// - Throws: the first setting that cannot be honoured.
    public convenience init(settings: JSONValue) throws(ConfigurationProblem) {
        var problems = ConfigurationProblems()
        let parsed = SQLiteSettings(settings, path: [], problems: &problems)
        if let problem = problems.list.first { throw problem }
        self.init(parsed)
    }

    init(_ settings: SQLiteSettings?) {
        self.settings = settings
    }

    /// Opens the database, and makes the table if it is missing.
    ///
    /// - Throws: why it cannot be opened or used.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        guard let settings else { return .ready }
        let storage = try await SQLiteStorage.open(settings, logger: context.logger)
        state.withLock { $0 = State(storage: storage, logger: context.logger) }
        return .ready
    }

    /// Writes the batch in one transaction.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        guard let settings else {
            return batch.deliveries.map { _ in .rejected(reason: "the destination's settings cannot be honoured") }
        }
        var outcomes = [DeliveryOutcome?](repeating: nil, count: batch.deliveries.count)
        var entries: [SQLiteStorage.Entry] = []
        for (position, delivery) in batch.deliveries.enumerated() {
            do throws(SQLiteFailure) {
                let table = try Self.table(for: delivery, settings)
                entries.append(SQLiteStorage.Entry(table: table, row: SQLiteRow(delivery.event)))
            } catch {
                outcomes[position] = .rejected(reason: error.reason)
            }
        }
        var written = entries.isEmpty ? [] : await write(entries, settings)[...]
        return outcomes.map { $0 ?? written.popFirst() ?? .retry(reason: "the database gave no outcome") }
    }

    private func write(_ entries: [SQLiteStorage.Entry], _ settings: SQLiteSettings) async -> [DeliveryOutcome] {
        let (storage, logger) = state.withLock { ($0.storage, $0.logger) }
        guard let logger else { return entries.map { _ in .retry(reason: "the database is not open") } }
        if let outcomes = await storage?.write(entries) { return outcomes }
        do {
            if let storage {
                logger.warning("the database's file is not where it was; it is opened anew")
                state.withLock { $0.storage = nil }
                await storage.close()
            }
            let opened = try await SQLiteStorage.open(settings, logger: logger)
            state.withLock { $0.storage = opened }
            if let outcomes = await opened.write(entries) { return outcomes }
            return entries.map { _ in .retry(reason: "the database's file moves about") }
        } catch {
            return entries.map { _ in .retry(reason: "\(error)") }
        }
    }

    private static func table(
        for delivery: Delivery,
        _ settings: SQLiteSettings
    ) throws(SQLiteFailure) -> SQLiteTableName {
        let name = delivery.rule?.settings["table"] ?? .missing
        if name.isMissing { return settings.table }
        guard let text = name.string else { throw SQLiteFailure("the rule's settings.table is no text") }
        do throws(SQLiteFailure) {
            return try SQLiteTableName(text)
        } catch {
            throw SQLiteFailure("the rule's settings.table cannot be used: \(error)")
        }
    }

    /// The statement that would be executed, and the row's values.
    public func preview(_ delivery: Delivery) -> [String] {
        guard let settings else { return [] }
        do throws(SQLiteFailure) {
            let statement = SQLiteTable.shownInsertion(try Self.table(for: delivery, settings))
            return [statement] + SQLiteRow(delivery.event).values.map(\.shown)
        } catch {
            return ["rejected: \(error)"]
        }
    }

    /// Closes the database.
    public func destroy(_ context: DestinationContext) async throws {
        let storage = state.withLock { state in
            let storage = state.storage
            state = State()
            return storage
        }
        await storage?.close()
    }
}
