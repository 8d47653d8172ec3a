import Collector
import CollectorTesting
import EventJSON
import Foundation
import Logging
import Testing

@testable import Destinations

/// A folder of its own, a clock that stands still, and file destinations at work in it.
struct FileHouse {
    let directory: TemporaryDirectory
    /// 2023-11-14T22:13:20Z.
    let time = ManualTime(nowMilliseconds: 1_700_000_000_000)
    let logs = RecordedLogs()

    init() throws {
        directory = try TemporaryDirectory()
    }

    var path: String { directory.path }

    /// The context in which a destination works.
    var context: DestinationContext { DestinationContext(id: "f", logger: logs.logger()) }

    /// A destination of a flow's settings, ready.
    func destination(
        _ settings: JSONObject,
        synchronize: @escaping @Sendable (Int32) -> Int32 = { _ in 0 }
    ) async throws -> FileDestination {
        var problems = ConfigurationProblems()
        let read = FileSettings(.object(settings), path: [], problems: &problems)
        if let problem = problems.list.first { throw problem }
        let destination = FileDestination(
            settings: read,
            time: time.collectorTime,
            systemSynchronize: synchronize
        )
        _ = try await destination.initialize(context)
        return destination
    }

    /// The path of a file in the folder, as a setting.
    func setting(_ name: String) -> JSONValue { .string("\(path)/\(name)") }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }

    func append(_ text: String, to name: String) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: "\(path)/\(name)"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    /// The numbers of the events whose lines a file has.
    func numbers(_ name: String) throws -> [Int] { try Self.numbers(text(name)) }

    static func numbers(_ text: String) throws -> [Int] {
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return try text.split(separator: "\n").map { line in
            try #require(JSONValue(jsonText: String(line))["data"]["n"].number?.integer)
        }
    }

    /// The names of what is in the folder or one below, sorted.
    func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
    }

    /// Runs a program, and gives what it prints.
    func output(of arguments: [String]) async throws -> String {
        let path = "\(path)/.output"
        return try await BlockingWork.run {
            let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            defer { close(descriptor) }
            let code = ChildProcess.wait(for: try ChildProcess.spawn(arguments, standardOutput: descriptor))
            try #require(code == 0, "\(arguments)")
            defer { unlink(path) }
            return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        }
    }
}

extension FileDestination {
    /// Delivers events with these `data`, in one batch.
    func deliver(data: [JSONObject]) async throws -> [DeliveryOutcome] {
        let deliveries = try data.map { data in
            Delivery(event: try Event(jsonText: JSONValue.object(["name": "a b", "data": .object(data)]).jsonText))
        }
        return await deliver(DeliveryBatch(deliveries))
    }

    /// Delivers events that are told apart by a number, in one batch.
    func deliver(numbers: some Sequence<Int>) async throws -> [DeliveryOutcome] {
        try await deliver(data: numbers.map { ["n": .number(JSONNumber($0))] })
    }

    /// Delivers events that name their file, each numbered by its place, in one batch.
    func deliver(names: [String]) async throws -> [DeliveryOutcome] {
        try await deliver(
            data: names.enumerated().map { ["n": .number(JSONNumber($0.offset)), "file": .string($0.element)] }
        )
    }
}

extension DeliveryOutcome {
    var isDelivered: Bool { self == .delivered() }
    var rejection: String? { if case .rejected(let reason) = self { reason } else { nil } }
}
