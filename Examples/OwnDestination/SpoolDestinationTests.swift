import Collector
import CollectorTesting
import EventJSON
import Foundation
import Testing

@Suite("spool destination")
struct SpoolDestinationTests {
    @Test(arguments: DestinationContract.scenarios(for: SpoolSubject.self))
    func contract(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: SpoolSubject.self)
    }
}

/// A folder, in whose place a file stands while it is down.
private final class SpoolSubject: DestinationContractSubject {
    static let unsupportedWeather: [DestinationContract.Weather: String] = [.hanging: "a folder answers"]
    let refusedEvent: JSONObject = ["name": "contract refused", "id": "../escape"]
    let keepsOrder = false

    private let directory: TemporaryDirectory
    private var folder: URL { URL(filePath: directory.path).appending(path: "spool") }
    private var hidden: URL { URL(filePath: directory.path).appending(path: "hidden") }

    init() throws { directory = try TemporaryDirectory() }

    func makeDestination() -> any Destination { SpoolDestination(folder: folder) }

    func setWeather(_ weather: DestinationContract.Weather) throws {
        let files = FileManager.default
        if weather == .down {
            if files.fileExists(atPath: folder.path) { try files.moveItem(at: folder, to: hidden) }
            try Data().write(to: folder)
        } else if weather == .fair {
            try files.removeItem(at: folder)
            if files.fileExists(atPath: hidden.path) { try files.moveItem(at: hidden, to: folder) }
        }
    }

    func arrivedEventIDs() throws -> [String] {
        try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).map {
            $0.deletingPathExtension().lastPathComponent
        }
    }
}
