import Collector
import EventJSON
import GRDB
import Testing

@testable import SQLiteDestination

@Suite("sqlite: settings, rows, result codes")
struct SQLiteSettingsTests {
    private func problems(_ settings: JSONValue) -> [String] {
        var problems = ConfigurationProblems()
        _ = DestinationType.sqlite.make(settings, ["s"], &problems)
        return problems.list.map(\.description)
    }

    @Test("what cannot be honoured is refused, with the place and without secrets")
    func refusals() {
        let cases: [(JSONObject, String)] = [
            ([:], "s.sqlite.url: Config settings sqlite.url missing"),
            (["url": ""], "s.sqlite.url: is a text that is not empty"),
            (["url": 1], "s.sqlite.url: is a text that is not empty"),
            (["url": "libsql://a?authToken=SECRET"], "s.sqlite.url: servers (libsql, http, ws) are not spoken to"),
            (["url": "http://a"], "s.sqlite.url: servers"), (["url": "HTTPS://a"], "s.sqlite.url: servers"),
            (["url": "ws://a"], "s.sqlite.url: servers"), (["url": "wss://a"], "s.sqlite.url: servers"),
            (["url": "file://host/a"], "s.sqlite.url: behind file:// stands an absolute path"),
            (["url": "file:a?mode=ro"], "s.sqlite.url: behind file: stands a plain path"),
            (["url": "file:"], "s.sqlite.url: is a file's path, or :memory:"),
            (["url": "a\0b"], "s.sqlite.url: is a file's path, or :memory:"),
            (["url": "a", "authToken": "SECRET"], "s.sqlite.authToken: is for libSQL servers only"),
            (["url": "a", "schema": "none"], "s.sqlite.schema: is one of auto, manual"),
            (["url": "a", "synchronous": "off"], "s.sqlite.synchronous: is one of full, normal"),
            (["url": "a", "busyTimeout": -1], "s.sqlite.busyTimeout: is a whole number from 0 to 60000"),
            (
                ["url": "a", "tabel": "b"],
                "s.sqlite.tabel: unknown member of the settings of sqlite; did you mean \"table\"?"
            ),
        ]
        for (settings, expected) in cases {
            let found = problems(["sqlite": .object(settings)])
            #expect(found.count == 1 && found.first?.hasPrefix(expected) == true, "\(expected) – \(found)")
            #expect(!found.joined().contains("SECRET"))
        }
        #expect(problems(.missing) == ["s.sqlite.url: Config settings sqlite.url missing"])
        #expect(problems(["sqlite": ["url": "a"], "redis": [:]]).count == 1)
    }

    @Test(
        "where the file is",
        arguments: [
            ("a.db", "a.db"), ("/x/a.db", "/x/a.db"), ("file:a.db", "a.db"), ("file:/x/a.db", "/x/a.db"),
            ("file:///x/a.db", "/x/a.db"), ("FILE:a", "a"), ("C:a", "C:a"), (":memory:", nil),
        ] as [(String, String?)]
    )
    func paths(url: String, path: String?) throws {
        var problems = ConfigurationProblems()
        let settings = SQLiteSettings(["sqlite": ["url": .string(url)]], path: [], problems: &problems)
        #expect(try #require(settings).path == path)
    }

    @Test(
        "names of tables that can stand in SQL",
        arguments: ["events", "_", "E1", "siteEvents", String(repeating: "a", count: 63)]
    )
    func names(name: String) throws {
        #expect(try SQLiteTableName(name).quoted == "\"\(name)\"")
    }

    @Test(
        "names that are more than names",
        arguments: [
            "", "1a", "a b", "a-b", "a.b", "a\"b", "a'b", "a;DROP TABLE events", "a\"; DROP TABLE events; --", "a\0",
            "é", "а", "sqlite_master", "SQLite_x", "a\n", "(SELECT 1)", String(repeating: "a", count: 64),
        ]
    )
    func injections(name: String) throws {
        #expect(throws: SQLiteFailure.self) { try SQLiteTableName(name) }
        #expect(problems(["sqlite": ["url": "a", "table": .string(name)]]).count == 1)
        let destination = try SQLiteDestination(settings: ["sqlite": ["url": ":memory:"]])
        let preview = destination.preview(try delivery("1", table: .string(name)))
        #expect(preview.first?.hasPrefix("rejected: the rule's settings.table cannot be used") == true)
    }

    @Test("a preview is the statement and the values, as the original writes them")
    func preview() throws {
        let destination = try SQLiteDestination(settings: ["sqlite": ["url": ":memory:"]])
        let full = try delivery(
            "evt-1",
            [
                "timestamp": 1_700_000_100, "name": "page view", "entity": "page", "action": "view",
                "user": ["session": "sess-1", "id": "user-42"], "data": ["title": "Home"],
                "source": ["url": "https://example.com/", "referrer": "https://example.com/prev"],
                "globals": ["env": "prod"], "consent": ["analytics": true],
            ],
            table: "orders"
        )
        #expect(
            destination.preview(full) == [
                "INSERT INTO \"orders\" (timestamp, event_id, name, entity, action, session_id, user_id, page_url, "
                    + "page_title, referrer_url, data, globals, consent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                "1700000100", "evt-1", "page view", "page", "view", "sess-1", "user-42", "https://example.com/", "Home",
                "https://example.com/prev", #"{"title":"Home"}"#, #"{"env":"prod"}"#, #"{"analytics":true}"#,
            ]
        )
    }

    @Test("what is missing is empty; what is no text is JSON; a NUL does not shorten a text")
    func rows() throws {
        let empty = SQLiteRow(try Event(jsonText: Array("{}".utf8)))
        #expect(empty.values == Array(repeating: .text(""), count: 10) + Array(repeating: .text("{}"), count: 3))
        let odd = SQLiteRow(
            try event([
                "timestamp": 1.5, "id": "a\0b", "user": ["session": 7, "id": ["x": nil]],
                "data": ["title": 1], "source": ["url": true, "referrer": nil], "globals": [1],
            ])
        )
        #expect(odd.values[0] == .real(1.5))
        #expect(odd.values[1] == .text(#""a\u0000b""#))
        #expect(odd.values[5...9] == [.text("7"), .text(#"{"x":null}"#), .text("true"), .text(""), .text("")])
        #expect(odd.values[11] == .text("{}"))
    }

    enum Fate: Sendable {
        case rejected, again, later
    }

    @Test(
        "result codes",
        arguments: [
            (.SQLITE_ERROR, .again), (.SQLITE_INTERNAL, .again), (.SQLITE_PERM, .later), (.SQLITE_ABORT, .again),
            (.SQLITE_BUSY, .again), (.SQLITE_BUSY_RECOVERY, .again), (.SQLITE_BUSY_SNAPSHOT, .again),
            (.SQLITE_LOCKED, .again), (.SQLITE_NOMEM, .again), (.SQLITE_READONLY, .later),
            (.SQLITE_READONLY_DIRECTORY, .later), (.SQLITE_READONLY_DBMOVED, .later), (.SQLITE_INTERRUPT, .again),
            (.SQLITE_IOERR, .again), (.SQLITE_IOERR_FSYNC, .again), (.SQLITE_IOERR_WRITE, .again),
            (.SQLITE_CORRUPT, .later), (.SQLITE_NOTFOUND, .again), (.SQLITE_FULL, .again), (.SQLITE_CANTOPEN, .again),
            (.SQLITE_PROTOCOL, .again), (.SQLITE_SCHEMA, .again), (.SQLITE_TOOBIG, .rejected),
            (.SQLITE_CONSTRAINT, .rejected), (.SQLITE_CONSTRAINT_UNIQUE, .rejected),
            (.SQLITE_CONSTRAINT_NOTNULL, .rejected), (.SQLITE_CONSTRAINT_CHECK, .rejected),
            (.SQLITE_CONSTRAINT_FOREIGNKEY, .rejected), (.SQLITE_CONSTRAINT_TRIGGER, .rejected),
            (.SQLITE_CONSTRAINT_DATATYPE, .rejected), (.SQLITE_MISMATCH, .rejected), (.SQLITE_MISUSE, .later),
            (.SQLITE_NOLFS, .later), (.SQLITE_AUTH, .later), (.SQLITE_FORMAT, .later), (.SQLITE_RANGE, .rejected),
            (.SQLITE_NOTADB, .later),
        ] as [(ResultCode, Fate)]
    )
    func codes(code: ResultCode, fate: Fate) {
        let outcome = SQLiteOutcome.outcome(DatabaseError(resultCode: code, message: "words"))
        let reason = "SQLite error \(code.rawValue): words"
        switch fate {
        case .rejected: #expect(outcome == .rejected(reason: reason))
        case .again: #expect(outcome == .retry(reason: reason))
        case .later: #expect(outcome == .retry(after: .seconds(5), reason: reason))
        }
    }
}
