import CollectorTesting
import EventJSON
import Logging
import TestSupport
import Testing

@testable import Collector

/// The recorded scenarios of walkerOS's collector: a configuration and steps, and what every destination got.
@Suite("Recorded scenarios")
struct CollectorVectorTests {
    static let vectors = Fixtures.vectors("walkeros/collector.json")
        .filter { Differences.collector[$0.id] == nil }

    @Test("scenario", .timeLimit(.minutes(1)), arguments: vectors)
    func scenario(_ vector: Vector) async throws {
        let scenario = try Scenario(vector)
        let results = await scenario.play()
        scenario.compare(results)
    }
}

/// One recorded scenario over a real collector.
struct Scenario {
    let vector: Vector
    let collector: Collector
    let time = ManualTime()
    let logs = RecordedLogs()
    var destinations: [String: ScriptedDestination] = [:]

    init(_ vector: Vector) throws {
        self.vector = vector
        let config = vector.json["config"]
        var registrations: [DestinationRegistration] = []
        for member in config["destinations"].object ?? [:] {
            let destination = ScriptedDestination(member.value["behaviour"].object ?? [:])
            destinations[member.name] = destination
            registrations.append(try Self.registration(member.name, destination, member.value))
        }
        var added: [String: ScriptedDestination] = [:]
        for step in vector.json["steps"].array ?? [] where step["op"] == "addDestination" {
            added[step["id"].string ?? ""] = ScriptedDestination(step["destination"]["behaviour"].object ?? [:])
        }
        destinations.merge(added) { _, new in new }
        var sources: [SourceRegistration] = []
        for member in config["sources"].object ?? [:] {
            let mapping = try Mapping(member.value["config"].object ?? [:])
            let steps = try Self.steps(member.value, owner: .source)
            sources.append(SourceRegistration(id: member.name, mapping: mapping, steps: steps))
        }
        let transformers = try (config["transformers"].object ?? [:]).map { member in
            TransformerRegistration(
                id: member.name,
                transformer: MappingTransformer(try Mapping(member.value["mapping"].object ?? [:])),
                steps: try Self.steps(member.value, owner: .transformer)
            )
        }
        collector = Collector(
            options: Self.options(config),
            sources: sources,
            destinations: registrations,
            transformers: transformers,
            logger: logs.logger(),
            time: time.collectorTime
        )
    }

    private static func registration(
        _ id: String,
        _ destination: ScriptedDestination,
        _ value: JSONValue
    ) throws -> DestinationRegistration {
        var problems = ConfigurationProblems()
        var configuration = DestinationConfiguration(value["config"].object ?? [:], problems: &problems)
        configuration.steps = try steps(value, owner: .destination)
        if let problem = problems.list.first { throw problem }
        return DestinationRegistration(id: id, destination: destination, configuration: configuration)
    }

    private static func steps(_ entry: JSONValue, owner: StepOptions.Owner) throws -> StepOptions {
        var problems = ConfigurationProblems()
        let steps = StepOptions(entry.object ?? [:], owner: owner, problems: &problems)
        if let problem = problems.list.first { throw problem }
        return steps
    }

    /// What the source notes of a recorded request.
    private func ingest(_ source: String?, _ scope: JSONValue) throws -> Ingest? {
        let value = vector.json["config"]["sources"][source ?? ""]["config"]["ingest"]
        if value.isMissing { return nil }
        var problems = ConfigurationProblems()
        let mapping = ValueMapping(value, problems: &problems)
        if let problem = problems.list.first { throw problem }
        return Ingest(try mapping.value(in: scope, nowMilliseconds: 0))
    }

    private static func options(_ config: JSONValue) -> CollectorOptions {
        var options = CollectorOptions()
        options.run = config["run"].bool ?? true
        options.name = config["name"].string
        options.release = config["release"].string ?? "<version>"
        options.consent = config["consent"].object ?? [:]
        options.user = config["user"].object ?? [:]
        options.globals = config["globals"].object ?? [:]
        options.globalsStatic = config["globalsStatic"].object ?? [:]
        options.custom = config["custom"].object ?? [:]
        options.maximumQueueCount = config["queueMax"].number?.integer ?? options.maximumQueueCount
        return options
    }

    /// Plays the steps and gives their results, once every destination has been given as many events as expected.
    func play(settledCounts: [String: Int]? = nil) async -> [JSONValue] {
        await collector.start()
        var results: [JSONValue] = []
        for step in vector.json["steps"].array ?? [] { results.append(await play(step)) }
        for (id, destination) in destinations {
            await destination.settled(settledCounts.map { $0[id] ?? 0 } ?? expectedCount(of: id))
        }
        return results
    }

    /// How many events a destination is to have been given, delivered or not.
    private func expectedCount(of id: String) -> Int {
        let expected = vector.expected["destinations"][id]
        let batched = expected["batches"].array?.reduce(0) { $0 + ($1["entries"].array?.count ?? 0) } ?? 0
        let batchedFailures = expected["batches"].isMissing
        let failed = batchedFailures ? expected["dlq"].array?.count ?? 0 : 0
        return (expected["pushes"].array?.count ?? 0) + batched + failed
    }

    func play(_ step: JSONValue) async -> JSONValue {
        var options = PushOptions()
        options.source = step["source"].string
        options.include = step["options"]["include"].array?.compactMap(\.string)
        options.exclude = step["options"]["exclude"].array?.compactMap(\.string) ?? []
        if let header = step["scope"]["headers"]["traceparent"].string {
            options.traceID = TraceParent(header)?.traceID
        }
        options.ingest = try? ingest(options.source, step["scope"])
        switch step["op"].string {
        case "push", "source", "request":
            return Self.json(await collector.push(step["event"].object ?? [:], options: options))
        case "parallel":
            return .array(await collector.push(step["events"].array?.compactMap(\.object) ?? []).map(Self.json))
        case "command":
            let command = CollectorCommand(name: step["name"].string ?? "", data: step["data"])
            return Self.json(await collector.command(command))
        case "addDestination":
            let id = step["id"].string ?? ""
            guard let destination = destinations[id],
                let registration = try? Self.registration(id, destination, step["destination"])
            else { return "no destination" }
            return Self.json(await collector.addDestination(registration))
        default:
            // Sleepers must be asleep before the clock moves; batches begin to wait when the push returns.
            while time.sleeperCount == 0, waits { await Task.yield() }
            time.advance(milliseconds: step["ms"].number?.integer ?? 0)
            return .null
        }
    }

    private var waits: Bool {
        collector.status.destinations.values.contains { $0.batchedCount > 0 }
    }

    /// A result in the form in which it was recorded.
    private static func json(_ result: PushResult) -> JSONValue {
        var object: JSONObject = ["ok": .bool(result.isOK)]
        var done = JSONObject()
        for entry in result.outcomes {
            if case .done(let response) = entry.outcome {
                done[entry.destination] = response.isMissing ? [:] : ["data": response]
            }
        }
        if !done.isEmpty { object["done"] = .object(done) }
        if !result.queued.isEmpty { object["queued"] = .array(result.queued.map(JSONValue.string)) }
        if !result.failed.isEmpty {
            var failed = JSONObject()
            for (id, reason) in result.failed { failed[id] = .string(reason) }
            object["failed"] = .object(failed)
        }
        if result.isInvalid, let error = result.error, error.hasPrefix("Event") {
            object["invalid"] = true
            object["error"] = .string(error)
        }
        return .object(object)
    }

    func compare(_ results: [JSONValue]) {
        let expected = vector.expected
        #expect(results == expected["results"].array ?? [])
        let status = collector.status
        for member in expected["destinations"].object ?? [:] {
            compare(member.name, member.value, status.destinations[member.name])
        }
        #expect(status.acceptedCount == expected["status"]["in"].number?.integer)
        #expect(status.failedCount == expected["status"]["failed"].number?.integer)
        #expect(status.backfillCount == expected["collectorQueue"].number?.integer)
        #expect(status.pendingDestinations == expected["pending"].array?.compactMap(\.string) ?? [])
        // What walkerOS warns of as a loss is none, and we say so.
        let overflow = "collector.queue overflow; oldest events dropped"
        let warnings = expected["warnings"].array?.compactMap(\.string) ?? []
        #expect(logs.messages(at: .warning) == warnings.filter { $0 != overflow })
        #expect(
            logs.messages(at: .notice).contains { $0.hasPrefix("only the latest events") }
                == warnings.contains(overflow)
        )
        for source in expected["status"]["sources"].object ?? [:] {
            #expect(status.sources[source.name]?.acceptedCount ?? 0 == source.value["count"].number?.integer)
            #expect(status.sources[source.name]?.rejectedCount ?? 0 == source.value["rejected"].number?.integer ?? 0)
        }
    }

    private func compare(_ id: String, _ expected: JSONValue, _ status: CollectorStatus.Destination?) {
        guard let destination = destinations[id] else { return }
        let recorded = destination.recorded
        compareDeliveries(recorded.deliveries, expected["pushes"].array ?? [])
        for (batch, expectedBatch) in zip(recorded.batches, expected["batches"].array ?? []) {
            compareDeliveries(batch, expectedBatch["entries"].array ?? [])
        }
        #expect(recorded.batches.count == expected["batches"].array?.count ?? 0)
        #expect(recorded.initializeCount == expected["inits"].number?.integer)
        #expect(recorded.destroyCount == expected["destroyed"].number?.integer ?? 0)
        let changes = recorded.changes.map { change -> JSONValue in
            change.data.isMissing
                ? ["type": .string(change.type)] : ["type": .string(change.type), "data": change.data]
        }
        #expect(changes == expected["on"].array ?? [])
        #expect(status?.heldCount ?? 0 == expected["queued"].array?.count ?? 0)
        let letters = collector.deadLetters(of: id) ?? []
        #expect(letters.map(\.event.name) == expected["dlq"].array?.compactMap { $0[0].string } ?? [])
    }

    private func compareDeliveries(_ deliveries: [Delivery], _ expected: [JSONValue]) {
        #expect(deliveries.count == expected.count)
        for (delivery, entry) in zip(deliveries, expected) {
            let event = JSONValue.object(delivery.event.object)
            #expect(event.matches(entry["event"]), "\(event)")
            if let keys = entry["keys"].array {
                #expect(delivery.event.object.map(\.name) == keys.compactMap(\.string))
            }
            if !entry["data"].isMissing { #expect(delivery.data.text == entry["data"].text) }
        }
    }
}

extension JSONValue {
    /// Whether the value is as recorded, where `<id>` and the like stand for generated values.
    fileprivate func matches(_ recorded: JSONValue) -> Bool {
        if let text = recorded.string, text.hasPrefix("<"), text.hasSuffix(">") { return !isMissing }
        switch (self, recorded) {
        case (.object(let own), .object(let other)):
            return own.count(where: { !$0.value.isMissing }) == other.count
                && other.allSatisfy { own[$0.name].matches($0.value) }
        case (.array(let own), .array(let other)):
            return own.count == other.count && zip(own, other).allSatisfy { $0.matches($1) }
        default: return self == recorded
        }
    }
}
