import Collector
import EventJSON
import Logging
import Synchronization

/// A subject in a scenario: its collector, the events that were pushed, and what is off so far.
final class ContractRun<Subject: DestinationContractSubject>: Sendable {
    private struct State {
        var counts = DestinationContract.Counts()
        var faults: [String] = []
        /// The ids that must have arrived at the end, in the order of pushing.
        var expected: [String] = []
        /// The ids that may have arrived, and may not.
        var possible: Set<String> = []
        var allowsDuplicates = false
        var nextNumber = 0
    }

    let scenario: DestinationContract.Scenario
    let subject: Subject
    private let state = Mutex(State())

    static var logger: Logger { Logger(label: "contract") { _ in SwiftLogNoOpLogHandler() } }

    /// How long anything may take that is not meant to take time.
    static var patience: Duration { .seconds(30) }

    init(_ scenario: DestinationContract.Scenario, _ subject: Subject) {
        self.scenario = scenario
        self.subject = subject
    }

    /// A running collector with that destination and those members in its `config`.
    func start(
        _ destination: ObservedDestination,
        _ config: JSONObject = [:],
        beside others: [DestinationRegistration] = [],
        time: CollectorTime = .system
    ) async throws -> Collector {
        var problems = ConfigurationProblems()
        // On a machine that is busy with other tests nothing is late before some time has passed.
        let patience: JSONObject = ["timeout": 20_000]
        let members = patience.assigning(subject.configuration).assigning(config)
        let configuration = DestinationConfiguration(members, problems: &problems)
        if let problem = problems.list.first { throw problem }
        let registration = DestinationRegistration(
            id: "contract",
            destination: destination.destination,
            configuration: configuration
        )
        let collector = Collector(
            destinations: [registration] + others,
            logger: Self.logger,
            time: time
        )
        await collector.start()
        return collector
    }

    /// New events with ids of their own; these members are laid over.
    func events(_ count: Int, _ members: JSONObject = [:]) -> [JSONObject] {
        let first = state.withLock { state in
            state.nextNumber += count
            return state.nextNumber - count
        }
        return (first..<first + count).map { number in
            let event: JSONObject = [
                "name": "contract event", "id": .string("contract-\(number)"),
                "data": ["number": .number(JSONNumber(number))],
            ]
            return event.assigning(members)
        }
    }

    /// Pushes events together; all are accepted, and what becomes of each is as said.
    func push(
        _ events: [JSONObject],
        to collector: Collector,
        expecting expectation: (JSONObject, PushResult) -> Bool,
        _ words: String
    ) async {
        let answer = Mutex<[PushResult]>([])
        await within(Self.patience, "the answer to a push") {
            let results = await collector.push(events)
            answer.withLock { $0 = results }
        }
        let results = answer.withLock { $0 }
        for (event, result) in zip(events, results) where !expectation(event, result) {
            fault("event \(Self.id(of: event)) is to be \(words); it is \(Self.words(result))")
        }
        accept(results.count { $0.event != nil })
    }

    static func id(of event: JSONObject) -> String { event["id"].string ?? "" }

    private static func words(_ result: PushResult) -> String {
        if let error = result.error { return "refused: \(error)" }
        if let reason = result.failed["contract"] { return "failed: \(reason)" }
        if result.done.contains("contract") { return "delivered" }
        return result.queued.contains("contract") ? "kept" : "without outcome"
    }

    // MARK: Accounting

    func accept(_ count: Int) { state.withLock { $0.counts.acceptedCount += count } }

    /// Notes that these events must have arrived at the end.
    func expect(_ events: [JSONObject]) {
        state.withLock { $0.expected += events.map(Self.id) }
    }

    /// Notes that these events may have arrived.
    func allow(_ events: [JSONObject]) {
        state.withLock { $0.possible.formUnion(events.map(Self.id)) }
    }

    /// Notes that a fault may have made duplicates.
    func allowDuplicates() { state.withLock { $0.allowsDuplicates = true } }

    func fault(_ sentence: String) { state.withLock { $0.faults.append(sentence) } }

    func expect(_ what: String, _ found: Int, _ wanted: Int) {
        if found != wanted { fault("\(what): \(found) instead of \(wanted)") }
    }

    /// Runs something that must end.
    func within(_ limit: Duration, _ what: String, _ work: @escaping @Sendable () async -> Void) async {
        let isDone = await withTaskGroup(of: Bool.self) { group in
            let finished = AsyncStream<Bool>.makeStream()
            let task = Task {
                await work()
                finished.continuation.yield(true)
            }
            group.addTask {
                for await value in finished.stream { return value }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            if !first { task.cancel() }
            return first
        }
        if !isDone { fault("\(what) did not end within \(limit)") }
    }

    /// Ends the collector, and counts what it says of the destination.
    func end(_ collector: Collector, _ destination: ObservedDestination) async {
        await within(Self.patience, "shutdown") { await collector.shutdown() }
        guard let status = collector.status.destinations["contract"] else {
            return fault("the collector knows nothing of the destination")
        }
        let observed = destination.observed
        for sentence in observed.faults { fault(sentence) }
        expect("calls of destroy", observed.destroyCount, 1)
        // What was still under way after the collector's patience may end between the two looks.
        if status.waitingCount == 0 {
            expect("delivered by the collector's count", status.deliveredCount, observed.deliveredCount)
        }
        state.withLock { state in
            state.counts.deliveredCount += status.deliveredCount
            state.counts.deadLetterCount += status.deadLetterCount
        }
    }

    /// Compares what arrived with what had to.
    func conclude() async throws -> DestinationContract.Counts {
        let arrived = try await subject.arrivedEventIDs()
        let state = state.withLock { state in
            let copies = Dictionary(arrived.map { ($0, 1) }, uniquingKeysWith: +)
            state.counts.arrivedCount = copies.count
            state.counts.duplicateCount = arrived.count - copies.count
            let missing = state.expected.filter { copies[$0] == nil }
            if !missing.isEmpty { state.faults.append("\(missing.count) events lost, the first is \(missing[0])") }
            let known = state.possible.union(state.expected)
            let foreign = copies.keys.filter { !known.contains($0) }.sorted()
            if !foreign.isEmpty {
                state.faults.append("\(foreign.count) events arrived that must not, the first is \(foreign[0])")
            }
            let limit = state.allowsDuplicates ? subject.maximumDuplicateCount : 0
            if state.counts.duplicateCount > limit {
                state.faults.append("\(state.counts.duplicateCount) duplicates, \(limit) allowed")
            }
            return state
        }
        if !state.faults.isEmpty {
            throw DestinationContractViolation(scenario: scenario, faults: state.faults)
        }
        return state.counts
    }
}
