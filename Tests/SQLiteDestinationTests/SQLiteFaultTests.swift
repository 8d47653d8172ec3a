import Collector
import CollectorTesting
import EventJSON
import Foundation
import GRDB
import Testing

@testable import SQLiteDestination

@Suite("sqlite: when the database will not", .timeLimit(.minutes(1)))
struct SQLiteFaultTests {
    @Test("locked by somebody else: again, then written once")
    func locked() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination(["busyTimeout": 0])
        let holder = try await HeldTransaction(file)
        let outcomes = await destination.deliver(try [delivery("e1"), delivery("e2")])
        #expect(outcomes == Array(repeating: .retry(reason: "SQLite error 5: database is locked"), count: 2))
        try await holder.end()
        #expect(await destination.deliver(try [delivery("e1"), delivery("e2")]) == [.delivered(), .delivered()])
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e1", "e2"])
    }

    @Test("a lock is waited for as long as busyTimeout says")
    func waiting() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination(["busyTimeout": 60_000])
        let holder = try await HeldTransaction(file)
        async let outcomes = destination.deliver([delivery("e1")])
        try await holder.end()
        #expect(try await outcomes == [.delivered()])
        try await destination.destroy(.test())
    }

    @Test("a collector tries again until the lock is gone")
    func collectorRetries() async throws {
        let file = try DatabaseFile()
        let destination = try SQLiteDestination(settings: file.settings(["busyTimeout": 0]))
        var problems = ConfigurationProblems()
        let configuration = DestinationConfiguration(["timeout": 60_000], problems: &problems)
        let collector = Collector(destinations: [
            DestinationRegistration(id: "d", destination: destination, configuration: configuration)
        ])
        await collector.start()
        #expect(await collector.push(["name": "a b", "id": "e0"]).isOK)
        let holder = try await HeldTransaction(file)
        async let result = collector.push(["name": "a b", "id": "e1"])
        try await holder.end()
        #expect(await result.isOK)
        await collector.shutdown()
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e0", "e1"])
    }

    @Test("two destinations write to one file")
    func two() async throws {
        let file = try DatabaseFile()
        let first = try await file.destination(["busyTimeout": 60_000])
        let second = try await file.destination(["busyTimeout": 60_000])
        await withTaskGroup(of: Void.self) { group in
            for (name, destination) in [("a", first), ("b", second)] {
                group.addTask {
                    for number in 0..<100 {
                        // Both bring the shared ones.
                        let batch = try? [delivery("\(name)\(number)"), delivery("shared\(number)")]
                        #expect(await destination.deliver(batch ?? []) == [.delivered(), .delivered()])
                    }
                }
            }
        }
        for destination in [first, second] { try await destination.destroy(.test()) }
        #expect(try await file.strings("SELECT count(*) || '/' || count(DISTINCT event_id) FROM events") == ["300/300"])
    }

    @Test("a full disk: the whole batch again, nothing half, nothing twice")
    func full() async throws {
        let file = try DatabaseFile()
        var problems = ConfigurationProblems()
        let settings = try #require(SQLiteSettings(file.settings(), path: [], problems: &problems))
        let storage = try await SQLiteStorage.open(settings, logger: RecordedLogs().logger())
        let entries = try (0..<100).map { number in
            SQLiteStorage.Entry(
                table: .events,
                row: SQLiteRow(
                    try event([
                        "id": .string("e\(number)"), "data": ["x": .string(String(repeating: "x", count: 1000))],
                    ])
                )
            )
        }
        try await storage.database.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages + 5)")
        }
        let refused = await storage.write(entries)
        #expect(refused == Array(repeating: .retry(reason: "SQLite error 13: database or disk is full"), count: 100))
        #expect(try await file.strings("SELECT event_id FROM events").isEmpty)
        try await storage.database.writeWithoutTransaction { database in
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = 1000000")
        }
        for _ in 0..<2 { #expect(await storage.write(entries) == Array(repeating: .delivered(), count: 100)) }
        await storage.close()
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == (0..<100).map { "e\($0)" })
    }

    @Test(
        "one event's fault is that event's alone, however the table refuses it",
        arguments: ["ABORT", "FAIL", "ROLLBACK", "CHECK"]
    )
    func constraints(kind: String) async throws {
        let file = try DatabaseFile()
        try await file.destination().destroy(.test())
        try await file.execute("CREATE TABLE trace (name)")
        if kind == "CHECK" {
            try await file.execute("ALTER TABLE events ADD COLUMN c CHECK (name <> 'bad one')")
        } else {
            try await file.execute(
                """
                CREATE TRIGGER guard AFTER INSERT ON events WHEN NEW.name = 'bad one' BEGIN
                INSERT INTO trace VALUES (NEW.name); SELECT RAISE(\(kind), 'not this one'); END
                """
            )
        }
        let destination = try await file.destination()
        let names = ["a b", "bad one", "c d", "bad one", "e f"]
        let batch = try names.enumerated().map { try delivery("e\($0.offset)", ["name": .string($0.element)]) }
        let outcomes = await destination.deliver(batch)
        #expect(outcomes.map { $0 == .delivered() } == [true, false, true, false, true])
        for index in [1, 3] {
            let expected =
                kind == "CHECK" ? "SQLite error 275: CHECK constraint failed" : "SQLite error 1811: not this one"
            #expect(outcomes[index].rejectionReason?.hasPrefix(expected) == true, "\(outcomes[index])")
        }
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e0", "e2", "e4"])
        #expect(try await file.strings("SELECT name FROM trace").isEmpty)
    }

    @Test("a refusal at the commit is that event's alone, too")
    func deferredConstraint() async throws {
        let file = try DatabaseFile()
        try await file.destination().destroy(.test())
        try await file.execute("CREATE TABLE users (id TEXT PRIMARY KEY); INSERT INTO users VALUES ('u1')")
        try await file.execute(
            """
            CREATE TABLE visits (user TEXT REFERENCES users DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER visit AFTER INSERT ON events BEGIN INSERT INTO visits VALUES (NEW.user_id); END
            """
        )
        let destination = try await file.destination()
        let batch = try ["u1", "u2", "u1"].enumerated().map {
            try delivery("e\($0.offset)", ["user": ["id": .string($0.element)]])
        }
        let outcomes = await destination.deliver(batch)
        #expect(outcomes.map { $0 == .delivered() } == [true, false, true])
        #expect(outcomes[1].rejectionReason?.hasPrefix("SQLite error 787") == true, "\(outcomes[1])")
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT event_id FROM events ORDER BY id") == ["e0", "e2"])
    }

    @Test("what cannot be opened is told, and the collector keeps the events")
    func cannotOpen() async throws {
        let file = try DatabaseFile()
        let path = file.directory.path + "/none/events.db"
        let destination = try SQLiteDestination(settings: ["sqlite": ["url": .string(path)]])
        do {
            _ = try await destination.initialize(.test())
            Issue.record("opened")
        } catch {
            #expect("\(error)".hasPrefix("cannot open \(path): SQLite error 14"), "\(error)")
        }
        let collector = Collector(destinations: [DestinationRegistration(id: "d", destination: destination)])
        await collector.start()
        #expect(await collector.push(["name": "a b", "id": "e1"]).queued == ["d"])
        await collector.shutdown()
    }

    @Test("a file that is no database is left alone")
    func noDatabase() async throws {
        let file = try DatabaseFile()
        let text = String(repeating: "This is no database. ", count: 100)
        try text.write(toFile: file.path, atomically: false, encoding: .utf8)
        do {
            _ = try await file.destination()
            Issue.record("opened")
        } catch {
            #expect("\(error)".contains("SQLite error 26: file is not a database"), "\(error)")
        }
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == text)
    }

    @Test("a cancelled delivery writes nothing half, and what it wrote counts once")
    func cancelled() async throws {
        let file = try DatabaseFile()
        let destination = try await file.destination(["busyTimeout": 60_000])
        let holder = try await HeldTransaction(file)
        let batch = try (0..<10).map { try delivery("e\($0)") }
        let task = Task { await destination.deliver(batch) }
        task.cancel()
        let outcomes = await task.value
        #expect(outcomes.allSatisfy { $0.retryReason != nil })
        try await holder.end()
        #expect(await destination.deliver(batch) == Array(repeating: .delivered(), count: 10))
        try await destination.destroy(.test())
        #expect(try await file.strings("SELECT count(*) FROM events") == ["10"])
    }
}
