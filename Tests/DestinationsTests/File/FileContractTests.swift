import Collector
import CollectorTesting
import EventJSON
import Foundation
import Testing

@testable import Destinations

@Suite("Destination contract: file", .timeLimit(.minutes(2)))
struct FileContractTests {
    @Test("one file", arguments: DestinationContract.scenarios(for: OneFileSubject.self))
    func oneFile(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: OneFileSubject.self)
    }

    @Test("files named by events, rotated, gzipped", arguments: DestinationContract.scenarios(for: NamedSubject.self))
    func named(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: NamedSubject.self)
    }
}

/// A folder in whose place a file stands while it is down.
private struct Spool: Sendable {
    static let unsupported: [DestinationContract.Weather: String] = [
        .hanging: "a disk that answers is all there is here"
    ]

    let directory: TemporaryDirectory
    var folder: String { directory.path + "/events" }
    private var hidden: String { directory.path + "/hidden" }

    init() throws { directory = try TemporaryDirectory() }

    func setWeather(_ weather: DestinationContract.Weather) throws {
        let files = FileManager.default
        if weather == .down {
            if files.fileExists(atPath: folder) { try files.moveItem(atPath: folder, toPath: hidden) }
            try Data().write(to: URL(filePath: folder))
        } else if weather == .fair {
            try files.removeItem(atPath: folder)
            if files.fileExists(atPath: hidden) { try files.moveItem(atPath: hidden, toPath: folder) }
        }
    }

    /// The lines of a file, which may be gzipped.
    func ids(_ path: String) throws -> [String] {
        let text: String
        if path.hasSuffix(".gz") {
            text = try ChildOutput.of(["zcat", path])
        } else {
            text = try String(contentsOfFile: path, encoding: .utf8)
        }
        return try text.split(separator: "\n").compactMap { try JSONValue(jsonText: String($0))["id"].string }
    }
}

/// What a program writes.
private enum ChildOutput {
    static func of(_ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}

private struct OneFileSubject: DestinationContractSubject {
    static let unsupportedWeather = Spool.unsupported.merging(
        [.refusing: "a file with one name takes everything"],
        uniquingKeysWith: { first, _ in first }
    )
    private let spool: Spool

    init() throws { spool = try Spool() }

    func makeDestination() -> any Destination { FileDestination(filename: spool.folder + "/events.jsonl") }
    func setWeather(_ weather: DestinationContract.Weather) throws { try spool.setWeather(weather) }
    func arrivedEventIDs() throws -> [String] { try spool.ids(spool.folder + "/events.jsonl") }
}

/// An event names its file, and one leads out of the folder.
private struct NamedSubject: DestinationContractSubject {
    static let unsupportedWeather = Spool.unsupported
    let refusedEvent: JSONObject = ["name": "contract refused", "data": ["file": "../escape"]]
    let keepsOrder = false
    private let spool: Spool

    init() throws { spool = try Spool() }

    func makeDestination() throws -> any Destination {
        var problems = ConfigurationProblems()
        let settings: JSONValue = [
            "directory": .string(spool.folder),
            "filename": ["key": "data.file", "value": "events.jsonl"],
            "rotation": ["size": 4000], "compress": "gzip", "fsync": "never", "maxOpenFiles": 2,
        ]
        let destination = DestinationType.file.make(settings, ["settings"], &problems)
        if let problem = problems.list.first { throw problem }
        return destination
    }

    func setWeather(_ weather: DestinationContract.Weather) throws { try spool.setWeather(weather) }

    func arrivedEventIDs() async throws -> [String] {
        let spool = spool
        return try await BlockingWork.run {
            try FileManager.default.contentsOfDirectory(atPath: spool.folder).sorted().flatMap {
                try spool.ids("\(spool.folder)/\($0)")
            }
        }
    }
}
