import Synchronization

/// Gathers the outcomes of the events of one push and reports once all are known.
///
/// The tracker counts what is still open: one for the push itself, one for each event at each destination.
final class PushTracker: Sendable {
    private struct State {
        var results: [PushResult]
        var openCount = 1
        var completion: (@Sendable ([PushResult]) -> Void)?
    }

    private let state: Mutex<State>

    init(count: Int, completion: @escaping @Sendable ([PushResult]) -> Void) {
        state = Mutex(State(results: Array(repeating: PushResult(), count: count), completion: completion))
    }

    /// Changes the result of an event that no destination has yet.
    func update(_ index: Int, _ change: (inout PushResult) -> Void) {
        state.withLock { change(&$0.results[index]) }
    }

    /// Events that were refused for now.
    var postponedCount: Int {
        state.withLock { state in state.results.reduce(0) { $1.isTemporary ? $0 + 1 : $0 } }
    }

    /// Notes that an event was accepted, and announces that many outcomes.
    func accept(_ index: Int, _ event: Event, outcomeCount: Int) {
        state.withLock { state in
            // Of an event that became several, no one event can speak.
            if !state.results[index].isDivided { state.results[index].event = event }
            state.openCount += outcomeCount
        }
    }

    /// Announces that many outcomes.
    func expect(_ count: Int) {
        state.withLock { $0.openCount += count }
    }

    /// Notes an announced outcome; nil if the destination will not tell.
    func settle(_ index: Int, _ outcome: PushResult.DestinationOutcome?) {
        finish { state in
            guard let outcome else { return }
            if state.results[index].isDivided {
                guard case .failed = outcome.outcome else { return }
            }
            state.results[index].outcomes.append(outcome)
        }
    }

    /// Ends the push's own part.
    func close() {
        finish { _ in }
    }

    private func finish(_ change: (inout State) -> Void) {
        let report: (@Sendable ([PushResult]) -> Void, [PushResult])? = state.withLock { state in
            change(&state)
            state.openCount -= 1
            guard state.openCount == 0, let completion = state.completion else { return nil }
            state.completion = nil
            return (completion, state.results)
        }
        if let (completion, results) = report { completion(results) }
    }
}

/// Who wants to know what becomes of an event at a destination: whoever pushed it, and the queue that keeps it.
struct DeliveryWaiter: Sendable {
    enum Caller: Sendable {
        /// Nobody any more.
        case none
        /// A push, for the event of that number.
        case push(PushTracker, index: Int)
        /// A command that let waiting events through.
        case flush(FlushTracker)
    }

    private(set) var caller: Caller
    /// Where the queue has the event; nil if it is in memory only.
    private(set) var place: QueuePlace?
    /// The event as the queue has it, for its dead letter.
    private(set) var text: EventText?

    static let none = DeliveryWaiter(caller: .none)

    static func push(_ tracker: PushTracker, index: Int) -> DeliveryWaiter {
        DeliveryWaiter(caller: .push(tracker, index: index))
    }

    static func flush(_ tracker: FlushTracker) -> DeliveryWaiter {
        DeliveryWaiter(caller: .flush(tracker))
    }

    static func queue(_ place: QueuePlace, _ event: Event) -> DeliveryWaiter {
        DeliveryWaiter(caller: .none, place: place, text: event.wholeText)
    }

    /// Whether somebody waits.
    var isAwaited: Bool { if case .none = caller { false } else { true } }

    /// Takes whoever waits; only the queue is left to be told.
    mutating func takeCaller() -> DeliveryWaiter {
        DeliveryWaiter(caller: exchange(&caller, with: .none))
    }

    /// The same place, and somebody else who waits.
    func awaited(by other: DeliveryWaiter) -> DeliveryWaiter {
        DeliveryWaiter(caller: other.caller, place: place, text: text)
    }

    /// Announces that many outcomes more.
    func expect(_ count: Int) {
        switch caller {
        case .none: break
        case .push(let tracker, _): tracker.expect(count)
        case .flush(let tracker): tracker.expect(count)
        }
    }

    /// Tells whoever waits.
    func settle(_ destination: String, _ outcome: PushResult.Outcome?) {
        switch caller {
        case .none: break
        case .push(let tracker, let index):
            tracker.settle(index, outcome.map { .init(destination: destination, outcome: $0) })
        case .flush(let tracker): tracker.settle(outcome)
        }
    }
}

/// Gathers what a command's flush did at one destination: failed if anything failed, queued if anything stays, else
/// done; nothing if there was nothing to do.
final class FlushTracker: Sendable {
    private struct State {
        var openCount = 1
        var outcome: PushResult.Outcome?
    }

    private let state = Mutex(State())
    private let destination: String
    private let tracker: PushTracker

    init(destination: String, tracker: PushTracker) {
        self.destination = destination
        self.tracker = tracker
    }

    func expect(_ count: Int) {
        state.withLock { $0.openCount += count }
    }

    func settle(_ outcome: PushResult.Outcome?) {
        let isComplete = state.withLock { state in
            if let outcome { state.outcome = Self.combined(state.outcome, outcome) }
            state.openCount -= 1
            return state.openCount == 0
        }
        guard isComplete else { return }
        let outcome = state.withLock { $0.outcome }
        tracker.settle(0, outcome.map { .init(destination: destination, outcome: $0) })
    }

    private static func combined(_ first: PushResult.Outcome?, _ second: PushResult.Outcome) -> PushResult.Outcome {
        switch (first, second) {
        case (.failed, _): first ?? second
        case (_, .failed): second
        case (.queued, _), (_, .queued): .queued
        default: second
        }
    }
}
