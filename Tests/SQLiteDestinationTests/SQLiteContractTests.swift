import Collector
import CollectorTesting
import EventJSON
import Synchronization
import Testing

@testable import SQLiteDestination

@Suite("Destination contract: sqlite", .timeLimit(.minutes(2)))
struct SQLiteContractTests {
    @Test("a file", arguments: DestinationContract.scenarios(for: SQLiteSubject.self))
    func contract(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: SQLiteSubject.self)
    }
}

/// A database that somebody else locks, with a trigger that refuses a row. Nothing of it arrives twice.
private final class SQLiteSubject: DestinationContractSubject {
    static let unsupportedWeather: [DestinationContract.Weather: String] = [
        .hanging: "a database that does not answer is locked, and that is told"
    ]

    private let file: DatabaseFile
    private let lock = Mutex<HeldTransaction?>(nil)

    init() throws { file = try DatabaseFile() }

    func makeDestination() throws -> any Destination {
        try SQLiteDestination(settings: file.settings(["busyTimeout": 0]))
    }

    func setWeather(_ weather: DestinationContract.Weather) async throws {
        switch weather {
        case .down:
            let transaction = try await HeldTransaction(file)
            lock.withLock { $0 = transaction }
        case .fair:
            let transaction = lock.withLock { lock in
                let transaction = lock
                lock = nil
                return transaction
            }
            try await transaction?.end()
        case .refusing:
            // Made by a destination, and then given a trigger.
            let destination = try makeDestination()
            _ = try await destination.initialize(.test())
            try await destination.destroy(.test())
            try await file.execute(
                """
                CREATE TRIGGER guard BEFORE INSERT ON events WHEN NEW.name = 'contract refused'
                BEGIN SELECT RAISE(ABORT, 'not this one'); END
                """
            )
        case .hanging: break
        }
    }

    func arrivedEventIDs() async throws -> [String] {
        try await file.strings("SELECT event_id FROM events ORDER BY id")
    }
}
