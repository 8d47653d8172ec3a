import ArgumentParser
import Collector
import CollectorConfiguration
import EventJSON

/// `collectord simulate`: shows what each destination would get for an event.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Show what each destination would get for events, as exact commands. Nothing is sent."
    )

    @Argument(help: "The flow file.", completion: .file(extensions: ["json"]))
    var file: String

    @Option(help: "A file with an event, or an array of events, in JSON; - for standard input.")
    var event: String

    @Option(help: "The flow, if the file has several.")
    var flow: String?

    @Option(help: "Consent given before, such as '{\"marketing\": true}'.")
    var consent: String?

    @Option(help: "What the source noted of the request, such as '{\"method\": \"POST\"}'.")
    var ingest: String?

    func run() async throws {
        let flow = try FlowLoading.flow(file: file, named: flow)
        let events = try eventList()
        let states = try consent.map { try JanssonText.parse($0).object ?? [:] } ?? [:]
        let noted = try ingest.map { try JanssonText.parse($0).object ?? [:] } ?? [:]
        let outcome = await FlowSimulation.run(flow, events: events, consent: states, ingest: noted)
        print(JanssonText.write(Self.report(outcome)))
        if outcome.results.contains(where: { !$0.isOK }) { throw ExitCode.failure }
    }

    private func eventList() throws -> [JSONObject] {
        let text = try FileText.read(event)
        let value: JSONValue
        do {
            value = try JSONValue(jsonText: text)
        } catch {
            throw CommandError("\(event): \(error)")
        }
        let list = value.array ?? value["batch"].array ?? [value]
        let events = list.compactMap(\.object)
        guard events.count == list.count, !events.isEmpty else { throw CommandError("\(event): an event is an object") }
        return events
    }

    private static func report(_ outcome: FlowSimulation.Outcome) -> JSONValue {
        var destinations = JSONObject()
        for destination in outcome.destinations {
            var entry: JSONObject = [
                "commands": .array(destination.commands.map { .array($0.map(JSONValue.string)) })
            ]
            if destination.heldCount > 0 { entry["waitingForConsent"] = .number(JSONNumber(destination.heldCount)) }
            if destination.ignoredCount > 0 { entry["ignored"] = .number(JSONNumber(destination.ignoredCount)) }
            if destination.droppedCount > 0 { entry["dropped"] = .number(JSONNumber(destination.droppedCount)) }
            if destination.knownCount > 0 { entry["known"] = .number(JSONNumber(destination.knownCount)) }
            destinations[destination.id] = .object(entry)
        }
        let errors = outcome.results.enumerated().compactMap { index, result -> JSONValue? in
            result.error.map { ["index": .number(JSONNumber(index)), "error": .string($0)] }
        }
        var report: JSONObject = ["destinations": .object(destinations)]
        if outcome.droppedCount > 0 { report["dropped"] = .number(JSONNumber(outcome.droppedCount)) }
        if !errors.isEmpty { report["errors"] = .array(errors) }
        return .object(report)
    }
}
