/// A table's name that can stand in SQL: letters, digits and `_`, no digit in front.
struct SQLiteTableName: Sendable, Hashable {
    let text: String

    /// The name of the table that there is without a setting.
    static let events = SQLiteTableName(known: "events")

    static let maximumLength = 63

    private init(known text: String) {
        self.text = text
    }

    /// Checks a name.
    ///
    /// - Throws: what a name is.
    init(_ text: String) throws(SQLiteFailure) {
        let bytes = text.utf8
        let isName = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard isName, let first = bytes.first, !(0x30...0x39).contains(first), bytes.count <= Self.maximumLength,
            !text.lowercased().hasPrefix("sqlite_")
        else {
            throw SQLiteFailure(
                "a table's name has letters, digits and _, no digit in front, at most \(Self.maximumLength) of them, and "
                    + "does not begin with sqlite_"
            )
        }
        self.text = text
    }

    /// The name as SQL.
    var quoted: String { "\"\(text)\"" }
}

/// The SQL for tables of events, with the columns that walkerOS gives them.
enum SQLiteTable {
    /// What is written, in this order.
    static let columns = [
        "timestamp", "event_id", "name", "entity", "action", "session_id", "user_id", "page_url", "page_title",
        "referrer_url", "data", "globals", "consent",
    ]

    /// A table and what keeps an event from being in it twice; an event without an id is like no other.
    static func creation(_ table: SQLiteTableName) -> [String] {
        let types = columns.map { "\($0) \($0 == "timestamp" ? "INTEGER" : "TEXT")" }.joined(separator: ", ")
        return [
            """
            CREATE TABLE \(table.quoted) (id INTEGER PRIMARY KEY AUTOINCREMENT, \
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, \(types))
            """,
            """
            CREATE UNIQUE INDEX "\(table.text)_event_id" ON \(table.quoted) (event_id) WHERE event_id <> ''
            """,
        ]
    }

    /// What makes looking for an event's id quick in a table that somebody else made.
    static func indexCreation(_ table: SQLiteTableName) -> String {
        "CREATE INDEX \"\(table.text)_event_id\" ON \(table.quoted) (event_id)"
    }

    /// Writes a row unless the event is there, whether or not the table forbids that.
    static func insertion(_ table: SQLiteTableName) -> String {
        let values = (1...columns.count).map { "?\($0)" }.joined(separator: ", ")
        // The second comparison lets SQLite use the index above.
        return """
            INSERT INTO \(table.quoted) (\(columns.joined(separator: ", "))) SELECT \(values) \
            WHERE NOT EXISTS (SELECT 1 FROM \(table.quoted) WHERE event_id = ?2 AND event_id <> '')
            """
    }

    /// The same as a plain statement, for people.
    static func shownInsertion(_ table: SQLiteTableName) -> String {
        let values = columns.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO \(table.quoted) (\(columns.joined(separator: ", "))) VALUES (\(values))"
    }
}
