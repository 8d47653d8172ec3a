public import EventJSON

/// What became of one pushed event.
///
/// An event that a destination holds back until consent is given is `queued` there, and still `isOK`: nothing is lost.
public struct PushResult: Sendable, Equatable {
    /// What became of the event at one destination.
    public enum Outcome: Sendable, Equatable {
        /// Delivered, or left out by a rule. `response` is what the destination answered; missing if nothing.
        case done(response: JSONValue)
        /// Kept until consent is given, or the destination is ready or takes events again.
        case queued
        /// Not delivered; kept as a dead letter with this reason.
        case failed(reason: String)
    }

    /// A destination's outcome.
    public struct DestinationOutcome: Sendable, Equatable {
        /// The destination's id.
        public let destination: String
        /// What became of the event there.
        public let outcome: Outcome

        /// An outcome at that destination.
        public init(destination: String, outcome: Outcome) {
            self.destination = destination
            self.outcome = outcome
        }
    }

    /// The event, if it was accepted: complete, before any destination's mapping.
    public package(set) var event: Event?
    /// The event's id, if it was accepted.
    public var eventID: String? { event?.id }
    /// The destinations' outcomes; destinations that gather batches are missing until they deliver.
    public var outcomes: [DestinationOutcome] = []
    /// Why the event was not accepted or not processed.
    public var error: String?
    /// Whether the event itself is at fault: sending it again will not help.
    public var isInvalid = false
    /// Whether the event was refused only for now: no destination has anything of it, and the same event may be sent
    /// again later.
    public package(set) var isTemporary = false
    /// Whether an event with the same id is in the queue already: this one was not stored again, and `isOK`.
    public package(set) var isDuplicate = false
    /// Whether steps of the source made several events of the one that was pushed. `event` is then nil, and `outcomes`
    /// has only failures.
    public package(set) var isDivided = false

    /// What `error` says when the queue did not take the event.
    package static let storageReason = "the event could not be stored"

    /// What `error` says once the collector has been shut down.
    public static let shutDownReason = "the collector is shut down"

    /// What `error` says when events take as much memory as they may.
    package static let memoryReason = "too many events are in memory"

    /// What `error` says when a destination keeps as many events as it may.
    package static func overloadReason(_ destination: String) -> String {
        "too many events wait for destination \"\(destination)\""
    }

    /// An accepted event with no outcomes yet.
    public init() {}

    /// A refused event.
    public init(error: String, isInvalid: Bool) {
        self.error = error
        self.isInvalid = isInvalid
    }

    /// Whether the event was accepted and no destination failed.
    public var isOK: Bool {
        error == nil && !outcomes.contains { if case .failed = $0.outcome { true } else { false } }
    }

    /// The ids of the destinations that are done with the event.
    public var done: [String] { ids { if case .done = $0 { true } else { false } } }
    /// The ids of the destinations that keep the event for later.
    public var queued: [String] { ids { $0 == .queued } }
    /// The ids of the destinations that failed, with their reasons.
    public var failed: [String: String] {
        outcomes.reduce(into: [:]) { failed, entry in
            if case .failed(let reason) = entry.outcome { failed[entry.destination] = reason }
        }
    }

    /// Whether the same became of the same event.
    public static func == (left: PushResult, right: PushResult) -> Bool {
        left.eventID == right.eventID && left.outcomes == right.outcomes && left.error == right.error
            && left.isInvalid == right.isInvalid
    }

    private func ids(_ isWanted: (Outcome) -> Bool) -> [String] {
        outcomes.filter { isWanted($0.outcome) }.map(\.destination)
    }
}
