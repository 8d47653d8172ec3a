import EventJSON

/// The steps of one destination: what is done with an event before it is mapped, and after it was delivered.
struct DestinationSteps: Sendable {
    let plan: StepPlan
    private let frames: [StepFrame]
    private let afterwards: [StepFrame]

    /// The steps that the options ask for; nil if there are none.
    init?(_ options: StepOptions, id: String, isMocked: Bool, plan: StepPlan) {
        if options.isEmpty { return nil }
        self.plan = plan
        var frames: [StepFrame] = []
        // What is not really delivered is not remembered.
        let cache = isMocked ? nil : options.cache
        let admit = cache.map { StepFrame.admit($0, owner: "destination.\(id)") }
        if let admit, cache?.stops == true { frames.append(admit) }
        if let before = options.before { frames += [.route(before), .boundary] }
        if let admit, cache?.stops == false { frames.append(admit) }
        frames += options.states.filter(\.isGet).map(StepFrame.get)
        self.frames = frames
        var afterwards = options.states.filter { !$0.isGet }.map(StepFrame.set)
        if let next = options.next { afterwards.append(.route(next)) }
        self.afterwards = afterwards
    }

    /// An event's way before it is mapped.
    func run(_ event: Event, _ queued: QueuedEvent, claim: @escaping @Sendable (String) -> Bool) -> StepRun {
        StepRun(
            event,
            ingest: queued.ingest,
            frames: frames,
            plan: plan,
            consent: queued.state.consent.object,
            claim: claim
        )
    }

    /// What is to be done with an event once it was delivered; nil if nothing.
    func followUp(_ output: StepRun.Output) -> FollowUp? {
        if afterwards.isEmpty, output.cacheEntries.isEmpty { return nil }
        return FollowUp(ingest: output.ingest, cacheEntries: output.cacheEntries)
    }

    /// The way of a delivered event. Steps see what the destination answered as `ingest._response`.
    func run(_ followUp: FollowUp, _ delivery: Delivery, response: JSONValue) -> StepRun {
        var ingest = followUp.ingest?.value.object ?? [:]
        ingest["_response"] = response
        return StepRun(
            delivery.event,
            ingest: Ingest(.object(ingest)),
            frames: followUp.cacheEntries.map(StepFrame.keep) + afterwards,
            plan: plan,
            consent: delivery.event[.consent].object ?? [:]
        )
    }
}

/// What is to be done with an event after its delivery.
final class FollowUp: Sendable {
    let ingest: Ingest?
    let cacheEntries: [StepRun.CacheClaim]

    init(ingest: Ingest?, cacheEntries: [StepRun.CacheClaim]) {
        self.ingest = ingest
        self.cacheEntries = cacheEntries
    }

    var keys: [String] { cacheEntries.map(\.entry.key) }
}

/// An attempt to bring an event through a destination's steps that did not end at once.
final class StepAttempt: Sendable {
    let queued: QueuedEvent
    /// The event as the steps get it: its consent reduced to what is granted, its user complete.
    let event: Event
    /// How far the first attempt is; nil for one that begins anew.
    let begun: (run: StepRun, progress: StepRun.Progress)?
    let attemptCount: Int
    let firstMilliseconds: Int

    init(
        _ queued: QueuedEvent,
        _ event: Event,
        begun: (run: StepRun, progress: StepRun.Progress)?,
        attemptCount: Int,
        firstMilliseconds: Int
    ) {
        self.queued = queued
        self.event = event
        self.begun = begun
        self.attemptCount = attemptCount
        self.firstMilliseconds = firstMilliseconds
    }

    /// The next attempt.
    var next: StepAttempt {
        StepAttempt(queued, event, begun: nil, attemptCount: attemptCount + 1, firstMilliseconds: firstMilliseconds)
    }
}
