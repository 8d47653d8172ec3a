import Collector
import CollectorTesting
import EventJSON
import Foundation
import GRDB
import Logging
import Testing

@testable import SQLiteDestination

@Suite("sqlite: against a database", .timeLimit(.minutes(1)))
struct SQLiteDestinationTests {
    private let original = """
        CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, \
        timestamp INTEGER, event_id TEXT, name TEXT, entity TEXT, action TEXT, session_id TEXT, user_id TEXT, \
        page_url TEXT, page_title TEXT, referrer_url TEXT, data TEXT, globals TEXT, consent TEXT)
        """

    private func indexes(_ file: DatabaseFile, _ table: String = "events") async throws -> [String] {
        try await file.strings(
            "SELECT name || ' ' || \"unique\" FROM pragma_index_list('\(table)') ORDER BY name"
        )
    }

    @Test("a table is made, rows are written, and the log is written back at the end")
    func rows() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination()
        let outcomes = await destination.deliver([
            try delivery("e1", ["data": ["title": "T", "n": 1.50], "user": ["id": "u"], "consent": ["a": true]]),
            try delivery("e2"),
        ])
        #expect(outcomes == [.delivered(), .delivered()])
        #expect(try await file.strings("PRAGMA journal_mode") == ["wal"])
        try await destination.destroy(.test())
        #expect(!FileManager.default.fileExists(atPath: file.path + "-wal"))
        let rows = try await file.strings(
            """
            SELECT id || '|' || (created_at > '2020') || '|' || typeof(timestamp) || '|' || timestamp || '|' || event_id \
            || '|' || user_id || '|' || page_title || '|' || data || '|' || consent FROM events ORDER BY id
            """
        )
        #expect(
            rows == [
                #"1|1|integer|1700000000000|e1|u|T|{"title":"T","n":1.5}|{"a":true}"#,
                "2|1|integer|1700000000000|e2|||{}|{}",
            ]
        )
        #expect(try await indexes(file) == ["events_event_id 1"])
    }

    @Test(
        "synchronous, as it is set and by default",
        arguments: [([:], 2), (["synchronous": "normal"], 1)] as [(JSONObject, Int)]
    )
    func synchronous(settings: JSONObject, expected: Int) async throws {
        let file = try DatabaseFile()
        var problems = ConfigurationProblems()
        let parsed = try #require(SQLiteSettings(file.settings(settings), path: [], problems: &problems))
        let storage = try await SQLiteStorage.open(parsed, logger: RecordedLogs().logger())
        let found = try await storage.database.writeWithoutTransaction {
            try Int.fetchOne($0, sql: "PRAGMA synchronous")
        }
        #expect(found == expected)
        await storage.close()
    }

    @Test("an event that comes again is no second row: in a batch, later, after a restart, with other content")
    func redelivery() async throws {
        let file = try DatabaseFile()
        for _ in 0..<2 {
            let destination = try await file.destination()
            for _ in 0..<2 {
                let batch = try [delivery("e1"), delivery("e1", ["data": ["n": 1]]), delivery("e2")]
                #expect(await destination.deliver(batch) == Array(repeating: .delivered(), count: 3))
            }
            try await destination.destroy(.test())
        }
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e1", "e2"])
    }

    @Test("events without an id are all different")
    func withoutID() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination()
        #expect(await destination.deliver(try [delivery(""), delivery("")]) == [.delivered(), .delivered()])
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events") == ["", ""])
    }

    @Test("looking for an id uses the index")
    func plan() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination()
        try await destination.destroy(.test())
        let connection = try file.connection()
        let details = try await connection.read { database in
            try Row.fetchAll(
                database,
                sql: "EXPLAIN QUERY PLAN " + SQLiteTable.insertion(.events),
                arguments: StatementArguments(Array(repeating: "x", count: SQLiteTable.columns.count))
            ).map { $0["detail"] as String }
        }
        try connection.close()
        #expect(details.contains { $0.contains("events_event_id") }, "\(details)")
        #expect(!details.contains { $0.hasPrefix("SCAN events") }, "\(details)")
    }

    @Test(
        "the original's own table is used as it is; auto adds an index where none helps",
        arguments: ["auto", "manual"]
    )
    func originalTable(schema: String) async throws {
        let file = try DatabaseFile()
        try await file.execute(original)
        let logs = RecordedLogs()
        let destination = try await file.destination(["schema": .string(schema)], logs: logs)
        for _ in 0..<2 {
            #expect(await destination.deliver(try [delivery("e1"), delivery("e2")]) == [.delivered(), .delivered()])
        }
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e1", "e2"])
        #expect(try await indexes(file) == (schema == "auto" ? ["events_event_id 0"] : []))
        #expect(logs.messages(at: .warning).count == (schema == "auto" ? 0 : 1))
    }

    @Test("a table of one's own: more columns, other case, an index of its own")
    func ownTable() async throws {
        let file = try DatabaseFile()
        try await file.execute(
            """
            CREATE TABLE Events (Consent, Globals, DATA, referrer_url, page_title, page_url, user_id, session_id, action, \
            entity, name, Event_ID UNIQUE, timestamp, extra DEFAULT 'x')
            """
        )
        let destination = try await file.destination(["schema": "manual"])
        for _ in 0..<2 { #expect(await destination.deliver([try delivery("e1")]) == [.delivered()]) }
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id || extra FROM events") == ["e1x"])
    }

    @Test("columns that are missing, and a table that is missing, are told")
    func missing() async throws {
        let file = try DatabaseFile()
        try await file.execute("CREATE TABLE events (name, data, context, timestamp, entity, action, globals, consent)")
        let reason = """
            cannot open \(file.path): the table "events" lacks the columns event_id, session_id, user_id, page_url, \
            page_title, referrer_url: add them, or name another table in sqlite.table
            """
        await #expect(throws: SQLiteFailure(reason)) { try await file.destination() }
        await #expect(
            throws: SQLiteFailure(
                "cannot open \(file.path): the table \"none\" is missing: make it, or set sqlite.schema to \"auto\""
            )
        ) {
            try await file.destination(["schema": "manual", "table": "none"])
        }
        #expect(try await file.strings("SELECT name FROM sqlite_master") == ["events"])
    }

    @Test("a table for each rule, made when it is first needed; without one the rule's events are rejected")
    func ruleTables() async throws {
        let file = try DatabaseFile()
        let auto = try await file.destination(["table": "site"])
        let batch = try [
            delivery("e1"), delivery("e2", table: "orders"), delivery("e3", table: "a;b"), delivery("e4", table: 1),
            delivery("e5", table: "orders"),
        ]
        let outcomes = await auto.deliver(batch)
        #expect(outcomes.map { $0 == .delivered() } == [true, true, false, false, true])
        #expect(outcomes[2].rejectionReason?.hasPrefix("the rule's settings.table cannot be used") == true)
        #expect(outcomes[3].rejectionReason == "the rule's settings.table is no text")
        try await auto.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM orders ORDER BY id") == ["e2", "e5"])
        #expect(try await file.strings("SELECT event_id FROM site") == ["e1"])
        #expect(try await indexes(file, "orders") == ["orders_event_id 1"])
        let manual = try await file.destination(["table": "site", "schema": "manual"])
        let again = await manual.deliver(try [delivery("e6", table: "other"), delivery("e7", table: "orders")])
        #expect(again[0].rejectionReason?.hasPrefix("the table \"other\" is missing") == true)
        #expect(again[1] == .delivered())
        try await manual.destroy(.test())
    }

    @Test("a table that was dropped is made again")
    func droppedTable() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination()
        #expect(await destination.deliver([try delivery("e1")]) == [.delivered()])
        try await file.execute("DROP TABLE events")
        let reason = await destination.deliver([try delivery("e2")]).first?.retryReason
        #expect(reason?.hasPrefix("SQLite error 1: no such table") == true, "\(reason ?? "delivered")")
        #expect(await destination.deliver([try delivery("e2")]) == [.delivered()])
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events") == ["e2"])
    }

    @Test("ten thousand events in batches, through a collector")
    func many() async throws {
        let file = try DatabaseFile()
        let destination = try SQLiteDestination(settings: file.settings())
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(["batch": ["size": 500], "timeout": 60_000], problems: &problems)
        #expect(problems.isEmpty)
        let collector = Collector(destinations: [
            DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        ])
        await collector.start()
        for number in 0..<10_000 {
            _ = await collector.push(["name": "a b", "id": .string("e\(number)")])
        }
        await collector.shutdown()
        #expect(collector.status.failedCount == 0)
        let found = try await file.strings("SELECT event_id FROM events ORDER BY id")
        #expect(found == (0..<10_000).map { "e\($0)" })
    }

    @Test("a file that was moved or deleted is not written to any more")
    func movedFile() async throws {
        let file = try DatabaseFile()
        let logs = RecordedLogs()
        let destination = try await file.destination(logs: logs)
        #expect(await destination.deliver([try delivery("e1")]) == [.delivered()])
        let moved = file.directory.path + "/moved.db"
        try FileManager.default.moveItem(atPath: file.path, toPath: moved)
        #expect(await destination.deliver([try delivery("e2")]) == [.delivered()])
        #expect(try await file.strings("SELECT event_id FROM events") == ["e2"])
        #expect(logs.messages(at: .warning).count == 1)
        try await destination.destroy(.test())
        let connection = try DatabaseQueue(path: moved)
        #expect(try await connection.read { try String.fetchAll($0, sql: "SELECT event_id FROM events") } == ["e1"])
        try connection.close()
    }

    @Test("in memory, before it is opened, and after it is closed")
    func lifecycle() async throws {
        let destination = try SQLiteDestination(settings: ["sqlite": ["url": ":memory:"]])
        let closed = [DeliveryOutcome.retry(reason: "the database is not open")]
        #expect(await destination.deliver([try delivery("e1")]) == closed)
        #expect(try await destination.initialize(.test()) == .ready)
        #expect(await destination.deliver([try delivery("e1")]) == [.delivered()])
        try await destination.destroy(.test())
        #expect(await destination.deliver([try delivery("e1")]) == closed)
    }
}
