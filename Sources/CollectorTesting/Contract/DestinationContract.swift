import Collector
import EventJSON

/// What the collector expects of every destination, as a suite that tests run against the real thing.
///
/// ```swift
/// @Test(arguments: DestinationContract.scenarios(for: PrinterSubject.self))
/// func contract(_ scenario: DestinationContract.Scenario) async throws {
///     try await DestinationContract.check(scenario, of: PrinterSubject.self)
/// }
/// ```
///
/// The destination runs in a real collector, and every event is accounted for: accepted = delivered + dead letters.
public enum DestinationContract {
    /// One thing that happens to destinations.
    public enum Scenario: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Many events from several tasks: each arrives once, those of a task in order.
        case succeeds
        /// Text that breaks lines, quotes and formats: each event arrives once.
        case unusualText
        /// The backend is away before the first event and in the middle: all arrive once it is back.
        case transient
        /// Some events are refused for good: these are dead letters after one attempt, all others arrive.
        case permanent
        /// The same with events that were gathered in batches.
        case partialBatch
        /// The backend does not answer: nobody waits longer than the time limit, and all arrive once it does.
        case hangs
        /// A delivery is cancelled: it returns soon, and the destination goes on to work.
        case cancelled
        /// `on` and `destroy` throw: no event is lost by that.
        case throwsErrors
        /// `initialize` fails three times: events wait, and arrive in order.
        case initFails
        /// The collector is shut down while events are under way: what was answered as delivered has arrived.
        case destroyedMidFlight
        /// A second destination after the first was destroyed: what had arrived stays.
        case restarts

        /// The weather other than fair that the scenario needs.
        var weather: Weather? {
            switch self {
            case .transient: .down
            case .permanent, .partialBatch: .refusing
            case .hangs: .hanging
            default: nil
            }
        }

        /// The scenario's name.
        public var description: String { rawValue }
    }

    /// The scenarios that a subject can be put through: all, save those whose weather it does not support.
    public static func scenarios<Subject: DestinationContractSubject>(for subject: Subject.Type) -> [Scenario] {
        Scenario.allCases.filter { scenario in
            scenario.weather.map { subject.unsupportedWeather[$0] == nil } ?? true
        }
    }

    /// Puts a new subject through a scenario.
    ///
    /// - Returns: what was counted.
    /// - Throws: ``DestinationContractViolation`` naming every count that is off; errors of the subject.
    @discardableResult
    public static func check<Subject: DestinationContractSubject>(
        _ scenario: Scenario,
        of type: Subject.Type
    ) async throws -> Counts {
        let run = ContractRun(scenario, try await Subject())
        switch scenario {
        case .succeeds: try await run.succeeds()
        case .unusualText: try await run.takesUnusualText()
        case .transient: try await run.outlastsOutages()
        case .permanent: try await run.sortsOutRefused(isGathered: false)
        case .partialBatch: try await run.sortsOutRefused(isGathered: true)
        case .hangs: try await run.outlastsSilence()
        case .cancelled: try await run.survivesCancellation()
        case .throwsErrors: try await run.survivesErrors()
        case .initFails: try await run.outlastsFailingInit()
        case .destroyedMidFlight: try await run.endsMidFlight()
        case .restarts: try await run.continuesAfterRestart()
        }
        return try await run.conclude()
    }

    /// What became of a scenario's events.
    public struct Counts: Sendable, Equatable {
        /// Events that were accepted.
        public var acceptedCount = 0
        /// Events that the destination answered as delivered.
        public var deliveredCount = 0
        /// Events that became dead letters.
        public var deadLetterCount = 0
        /// Events that arrived at the backend, each counted once.
        public var arrivedCount = 0
        /// Copies beyond the first.
        public var duplicateCount = 0

        /// Nothing yet.
        public init() {}
    }
}

/// Where a destination does not hold to the contract.
public struct DestinationContractViolation: Error, Sendable, CustomStringConvertible {
    /// The scenario.
    public let scenario: DestinationContract.Scenario
    /// What was off, a sentence each.
    public let faults: [String]
    /// The scenario and what was off.
    public var description: String { "\(scenario): " + faults.joined(separator: "; ") }
}
