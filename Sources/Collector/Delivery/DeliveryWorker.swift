import DequeModule
import EventJSON
import Logging
import Synchronization

/// Brings events to one destination: asks the lane what to do, and does it.
///
/// Whatever thread adds an entry works the lane off as far as it can: consent, mapping and the start of a delivery
/// happen there and then. Destinations that are not pipelined are called in a task of their own.
final class DeliveryWorker: Sendable {
    /// The key under which results and status name the destination.
    let id: String
    let destination: any Destination
    let configuration: DestinationConfiguration
    let context: DestinationContext
    let counters: CollectorCounters
    let time: CollectorTime
    let state: Mutex<State>
    /// Whether there is no room for more events, so that new ones are refused. Read without the lock: a few more may
    /// slip in, and are kept.
    let hasNoRoom = Atomic(false)
    let pipelined: (any PipelinedDestination)?
    /// What is done with events before they are mapped and after they were delivered; nil if nothing.
    let steps: DestinationSteps?
    /// Takes the destination's events from the queue; nil if they live in memory only.
    let reader: QueueReader?

    /// Batches that a pipelined destination may have under way.
    private static let pipelinedBatchesInFlight = 64
    /// Events that a thread maps before a task goes on with the rest: that of one large request, and some.
    private static let maximumInlineEventCount = 256

    init(
        id: String,
        destination: any Destination,
        configuration: DestinationConfiguration,
        steps: DestinationSteps? = nil,
        reader: QueueReader? = nil,
        logger: Logger,
        counters: CollectorCounters,
        time: CollectorTime
    ) {
        self.id = id
        self.destination = destination
        self.configuration = configuration
        self.steps = steps
        self.reader = reader
        self.counters = counters
        self.time = time
        pipelined = destination as? any PipelinedDestination
        context = DestinationContext(
            id: id,
            logger: logger,
            settings: configuration.settings,
            environment: configuration.environment
        )
        var limits = DeliveryLane.Limits(batchesInFlight: pipelined == nil ? 1 : Self.pipelinedBatchesInFlight)
        // What is in the queue needs no room here.
        limits.waitingCount = reader == nil ? configuration.maximumWaitingCount : .max
        state = Mutex(State(lane: DeliveryLane(limits: limits, breaker: configuration.breaker)))
    }

    var logger: Logger { context.logger }

    /// Whether the destination keeps as many events as it may.
    var isFull: Bool { hasNoRoom.load(ordering: .relaxed) }

    /// Adds an entry. The caller then calls `work`, outside its own locks.
    func add(_ entry: DeliveryLane.Entry) {
        var kept: DeliveryWaiter?
        let successor = state.withLock { state -> DeliveryWorker? in
            if let successor = state.successor { return successor }
            if state.lane.isHolding {
                var held = entry
                kept = held.takeWaiter()
                state.lane.add(held)
            } else {
                state.lane.add(entry)
            }
            if !state.lane.hasRoom { hasNoRoom.store(true, ordering: .relaxed) }
            return nil
        }
        successor?.add(entry)
        kept?.settle(id, .queued)
    }

    /// Works the lane off as far as possible.
    func work() {
        let (step, successor) = state.withLock { ($0.beginWork(), $0.successor) }
        run(step)
        successor?.work()
    }

    /// Has the lane worked off by a task, for callers whose threads others wait for.
    func workApart() {
        let (step, successor) = state.withLock { ($0.beginWork(), $0.successor) }
        if case .none = step {} else { Task { run(step) } }
        successor?.workApart()
    }

    /// Lets so many of the queue's events be given to the destination as lie behind the first that is not settled.
    func widenWindow(_ feed: QueueFeed, behind ordinal: UInt64) {
        state.withLock { $0.lane.window[feed] = ordinal + UInt64(configuration.windowCount) }
    }

    /// Keeps events that were given up, up to that ordinal, from the destination. The caller then calls `work`.
    func giveUp(_ feed: QueueFeed, before ordinal: UInt64) {
        if ordinal > 0 { state.withLock { $0.lane.giveUp(feed, before: ordinal) } }
    }

    /// Counts events that became dead letters because the queue is full.
    func noteGivenUp(_ count: Int) {
        counters.countFailed(count)
        state.withLock { state in
            state.counts.failedCount += count
            state.counts.givenUpCount += count
            state.counts.lastFailure = QueueReader.givenUpReason
        }
    }

    private func forget(_ forgotten: DeliveryLane.Forgotten) {
        for waiter in forgotten.waiters { waiter.settle(id, .failed(reason: QueueReader.givenUpReason)) }
        for followUp in forgotten.followUps { release(followUp.keys, isKnown: false) }
    }

    /// Notes that the fate of an event is known, so that the queue need not keep it for this destination.
    func settle(_ waiter: DeliveryWaiter) {
        if let place = waiter.place { reader?.settle([place]) }
    }

    /// Does a piece of work that the lane gave, and what it gives after that.
    ///
    /// The caller's thread has other things to do, such as the other connections of its event loop, while others may
    /// add events as fast as these are worked off. So it maps only so many; a task goes on with the rest.
    func run(_ first: State.Step) {
        guard let rest = run(first, maximumEventCount: Self.maximumInlineEventCount) else { return }
        Task {
            var rest = rest
            while let next = run(rest, maximumEventCount: Self.maximumInlineEventCount) {
                rest = next
                await Task.yield()
            }
        }
    }

    /// Works until nothing is left to do, or that many events were mapped: gives the step that is then to be done.
    private func run(_ first: State.Step, maximumEventCount: Int) -> State.Step? {
        var step = first
        var eventCount = 0
        while true {
            switch step {
            case .work(.process(let entries)):
                if eventCount >= maximumEventCount { return step }
                eventCount += entries.count
                let processed = process(entries)
                let released = state.withLock { state in
                    let released = state.lane.finishProcessing(processed)
                    step = state.nextStep()
                    return released
                }
                for waiter in released { waiter.settle(id, .queued) }
                continue
            case .work(.deliver(let batch)): deliver(batch)
            case .work(.prepare): prepare()
            case .work(.refine(let attempt)): go(on: attempt)
            case .work(.tell(let changes)): tell(changes)
            case .work(.forget(let forgotten)): forget(forgotten)
            case .drained(let waiting):
                for continuation in waiting { continuation.resume() }
                return nil
            case .none:
                if isFull { state.withLock { noteRoom(in: $0.lane) } }
                return nil
            }
            step = state.withLock { $0.nextStep() }
        }
    }

    /// Lets new events in if there is room again.
    func noteRoom(in lane: DeliveryLane) {
        if lane.hasRoom { hasNoRoom.store(false, ordering: .relaxed) }
    }

    /// The destination's numbers.
    var status: CollectorStatus.Destination {
        var counts = state.withLock { state in
            var counts = state.counts
            counts.heldCount = state.lane.held.count + state.lane.postponed.count
            counts.waitingCount = state.lane.waitingCount
            counts.batchedCount = state.buffers.count
            counts.deadLetterCount = state.deadLetters.count
            counts.isFailing = state.lane.isFailing
            counts.breaker = state.lane.breaker?.phase
            return counts
        }
        // Its lock comes before this one's.
        if let reader {
            counts.heldCount += reader.heldCount
            counts.unreadByteCount = reader.unreadByteCount
            counts.deadLetterCount = reader.deadLetterCount
            counts.droppedDeadLetterCount += reader.droppedDeadLetterCount
        }
        return counts
    }
}
