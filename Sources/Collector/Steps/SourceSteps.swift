import DequeModule
import EventJSON

/// The steps of one source: before its mapping, and after it.
struct SourceSteps: Sendable {
    let id: String
    private let frames: [StepFrame]

    /// The source's steps; nil if it has none.
    init?(_ registration: SourceRegistration) {
        let options = registration.steps
        if options.isEmpty { return nil }
        id = registration.id
        var frames: [StepFrame] = []
        if let before = options.before { frames += [.route(before), .boundary] }
        frames += options.states.filter(\.isGet).map(StepFrame.get)
        if !registration.mapping.changesNothing { frames.append(.map(registration.mapping)) }
        frames += options.states.filter { !$0.isGet }.map(StepFrame.set)
        if let next = options.next { frames.append(.route(next)) }
        self.frames = frames
    }

    /// The way of an event, as its sender wrote it.
    func run(_ event: Event, ingest: Ingest?, plan: StepPlan, consent: JSONObject) -> StepRun {
        StepRun(event, ingest: ingest, frames: frames, plan: plan, consent: consent)
    }
}

/// An event on its way through a source's steps, and who waits for it.
struct SourceWork: Sendable {
    var run: StepRun
    let source: String
    let options: PushOptions
    let index: Int
    let tracker: PushTracker
}

/// The events of one source that are in steps which have to be waited for, in order. The collector's lock guards it.
struct SourceLane: Sendable {
    var waiting = Deque<SourceWork>()
    /// Whether an event is under way; those behind it wait.
    var isBusy = false

    /// Events that may wait.
    static let maximumCount = 100_000
    /// Milliseconds that the steps of one event may take.
    static let timeoutMilliseconds = 10_000
}
