import Collector
import CollectorTesting
import EventJSON
import Synchronization
import Testing

/// The contract suite finds what is wrong with destinations, and nothing wrong with one that is right.
@Suite("Destination contract: faults are found", .timeLimit(.minutes(2)))
struct DestinationContractFaultTests {
    @Test("a destination that is right passes all", arguments: DestinationContract.Scenario.allCases)
    func right(_ scenario: DestinationContract.Scenario) async throws {
        let counts = try await DestinationContract.check(scenario, of: FaultySubject<NoFault>.self)
        #expect(counts.duplicateCount == 0)
        switch scenario {
        case .succeeds: #expect(counts == .init(accepted: 580, delivered: 580, deadLetters: 0))
        case .transient: #expect(counts == .init(accepted: 60, delivered: 60, deadLetters: 0))
        case .permanent, .partialBatch: #expect(counts == .init(accepted: 50, delivered: 45, deadLetters: 5))
        case .hangs, .initFails: #expect(counts == .init(accepted: 30, delivered: 30, deadLetters: 0))
        case .restarts: #expect(counts == .init(accepted: 60, delivered: 60, deadLetters: 0))
        default: break
        }
    }

    @Test("events that are lost")
    func loses() async { await expect(FaultySubject<Loses>.self, .succeeds, "events lost") }

    @Test("events that arrive twice")
    func duplicates() async { await expect(FaultySubject<Duplicates>.self, .unusualText, "duplicates, 0 allowed") }

    @Test("events in another order")
    func reorders() async { await expect(FaultySubject<Reorders>.self, .unusualText, "another order") }

    @Test("events given up when the backend is away")
    func givesUp() async { await expect(FaultySubject<GivesUp>.self, .transient, "kept while the backend is down") }

    @Test("a batch given up for one of its events")
    func rejectsAll() async {
        await expect(FaultySubject<RejectsAll>.self, .permanent, "failed if refused, else delivered")
    }

    @Test("what had arrived is gone after a restart")
    func forgets() async { await expect(FaultySubject<Forgets>.self, .restarts, "events lost") }

    @Test("more outcomes than events")
    func miscounts() async { await expect(FaultySubject<Miscounts>.self, .succeeds, "outcomes of") }

    private func expect<Subject: DestinationContractSubject>(
        _ subject: Subject.Type,
        _ scenario: DestinationContract.Scenario,
        _ words: String
    ) async {
        do {
            _ = try await DestinationContract.check(scenario, of: subject)
            Issue.record("nothing was found")
        } catch let violation as DestinationContractViolation {
            #expect(violation.scenario == scenario)
            #expect(violation.description.contains(words))
        } catch {
            Issue.record(error)
        }
    }
}

extension DestinationContract.Counts {
    fileprivate init(accepted: Int, delivered: Int, deadLetters: Int) {
        self.init()
        acceptedCount = accepted
        deliveredCount = delivered
        deadLetterCount = deadLetters
        arrivedCount = delivered
    }
}

private protocol Fault: Sendable {
    /// The events of a batch that are written.
    static func written(_ events: [Event]) -> [Event]
    /// The outcomes that are given instead.
    static func outcomes(_ outcomes: [DeliveryOutcome]) -> [DeliveryOutcome]
    /// Whether a new destination begins anew.
    static var forgets: Bool { get }
}

extension Fault {
    static func written(_ events: [Event]) -> [Event] { events }
    static func outcomes(_ outcomes: [DeliveryOutcome]) -> [DeliveryOutcome] { outcomes }
    static var forgets: Bool { false }
}

private enum NoFault: Fault {}

private enum Loses: Fault {
    static func written(_ events: [Event]) -> [Event] { events.filter { !$0.id.hasSuffix("7") } }
}

private enum Duplicates: Fault {
    static func written(_ events: [Event]) -> [Event] { events + events.suffix(1) }
}

private enum Reorders: Fault {
    static func written(_ events: [Event]) -> [Event] { events.reversed() }
}

private enum GivesUp: Fault {
    static func outcomes(_ outcomes: [DeliveryOutcome]) -> [DeliveryOutcome] {
        outcomes.map { if case .retry(_, let reason) = $0 { .rejected(reason: reason) } else { $0 } }
    }
}

private enum RejectsAll: Fault {
    static func outcomes(_ outcomes: [DeliveryOutcome]) -> [DeliveryOutcome] {
        let failed = outcomes.contains { if case .rejected = $0 { true } else { false } }
        return failed ? outcomes.map { _ in .rejected(reason: "one is refused") } : outcomes
    }
}

private enum Forgets: Fault {
    static var forgets: Bool { true }
}

private enum Miscounts: Fault {
    static func outcomes(_ outcomes: [DeliveryOutcome]) -> [DeliveryOutcome] { outcomes + outcomes }
}

/// A backend in memory, and destinations with a fault.
private final class FaultySubject<Kind: Fault>: DestinationContractSubject {
    private let backend = Mutex<(weather: DestinationContract.Weather, ids: [String])>((.fair, []))

    init() {}

    func makeDestination() -> any Destination {
        if Kind.forgets { backend.withLock { $0.ids = [] } }
        return FaultyDestination(subject: self)
    }

    func arrivedEventIDs() -> [String] { backend.withLock { $0.ids } }

    func setWeather(_ weather: DestinationContract.Weather) { backend.withLock { $0.weather = weather } }

    private struct FaultyDestination: Destination {
        let subject: FaultySubject<Kind>
        let type = "faulty"

        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
            let weather = subject.backend.withLock { $0.weather }
            switch weather {
            case .down: return Kind.outcomes(batch.deliveries.map { _ in .retry(reason: "down") })
            case .hanging:
                try? await Task.sleep(for: .seconds(3600))
                return []
            case .fair, .refusing: break
            }
            let isRefused: (Event) -> Bool = { weather == .refusing && $0.name == "contract refused" }
            let events = batch.deliveries.map(\.event)
            subject.backend.withLock { $0.ids += Kind.written(events.filter { !isRefused($0) }).map(\.id) }
            return Kind.outcomes(events.map { isRefused($0) ? .rejected(reason: "refused") : .delivered() })
        }
    }
}
