import Collector
import CollectorTesting
import EventJSON
import GRDB
import Logging
import Testing

@testable import SQLiteDestination

/// An event with these members.
func event(_ members: JSONObject = [:]) throws -> Event {
    var object: JSONObject = ["name": "page view", "id": "e1", "timestamp": 1_700_000_000_000]
    for member in members { object[member.name] = member.value }
    return try Event(jsonText: JSONValue.object(object).jsonText)
}

/// A delivery of an event, for the rule's table if there is one.
func delivery(_ id: String, _ members: JSONObject = [:], table: JSONValue = .missing) throws -> Delivery {
    var members = members
    members["id"] = .string(id)
    return Delivery(event: try event(members), rule: table.isMissing ? nil : try rule(table: table))
}

private func rule(table: JSONValue) throws -> MappingRule {
    var problems = ConfigurationProblems()
    let configuration: JSONObject = ["mapping": ["a": ["b": ["settings": ["table": table]]]]]
    let mapping = Mapping(configuration, path: [], problems: &problems)
    let mapped = mapping.map(
        try event(["name": "a b", "entity": "a", "action": "b"]),
        consent: [:],
        nowMilliseconds: 0
    )
    return try #require(mapped.rule)
}

/// A database file in a folder of its own.
struct DatabaseFile {
    let directory: TemporaryDirectory
    let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/events.db"
    }

    func settings(_ more: JSONObject = [:]) -> JSONValue {
        var settings: JSONObject = ["url": .string(path)]
        for member in more { settings[member.name] = member.value }
        return ["sqlite": .object(settings)]
    }

    /// A destination that has been started.
    func destination(_ more: JSONObject = [:], logs: RecordedLogs = RecordedLogs()) async throws -> SQLiteDestination {
        let destination = try SQLiteDestination(settings: settings(more))
        #expect(try await destination.initialize(.test(logs)) == .ready)
        return destination
    }

    /// A connection of somebody else.
    func connection() throws -> DatabaseQueue {
        try DatabaseQueue(path: path)
    }

    func execute(_ sql: String) async throws {
        let connection = try connection()
        try await connection.writeWithoutTransaction { try $0.execute(sql: sql) }
        try connection.close()
    }

    func strings(_ sql: String) async throws -> [String] {
        let connection = try connection()
        let strings = try await connection.writeWithoutTransaction { try String.fetchAll($0, sql: sql) }
        try connection.close()
        return strings
    }
}

/// A write transaction of somebody else, begun and ended when the test wants.
struct HeldTransaction {
    private let connection: DatabaseQueue

    init(_ file: DatabaseFile) async throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        connection = try DatabaseQueue(path: file.path, configuration: configuration)
        try await connection.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func end() async throws {
        try await connection.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try connection.close()
    }
}

extension DestinationContext {
    static func test(_ logs: RecordedLogs = RecordedLogs()) -> DestinationContext {
        DestinationContext(id: "d", logger: logs.logger())
    }
}

extension SQLiteDestination {
    func deliver(_ deliveries: [Delivery]) async -> [DeliveryOutcome] {
        await deliver(DeliveryBatch(deliveries))
    }
}

extension DeliveryOutcome {
    var retryReason: String? {
        if case .retry(_, let reason) = self { reason } else { nil }
    }

    var rejectionReason: String? {
        if case .rejected(let reason) = self { reason } else { nil }
    }
}
