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
    let pipelined: (any PipelinedDestination)?
    /// What is done with events before they are mapped and after they were delivered; nil if nothing.
    let steps: DestinationSteps?

    /// Batches that a pipelined destination may have under way.
    private static let pipelinedBatchesInFlight = 64

    init(
        id: String,
        destination: any Destination,
        configuration: DestinationConfiguration,
        steps: DestinationSteps? = nil,
        logger: Logger,
        counters: CollectorCounters,
        time: CollectorTime
    ) {
        self.id = id
        self.destination = destination
        self.configuration = configuration
        self.steps = steps
        self.counters = counters
        self.time = time
        pipelined = destination as? any PipelinedDestination
        context = DestinationContext(
            id: id,
            logger: logger,
            settings: configuration.settings,
            environment: configuration.environment
        )
        let limits = DeliveryLane.Limits(batchesInFlight: pipelined == nil ? 1 : Self.pipelinedBatchesInFlight)
        state = Mutex(State(lane: DeliveryLane(limits: limits, breaker: configuration.breaker)))
    }

    var logger: Logger { context.logger }

    /// Adds an entry. The caller then calls `work`, outside its own locks.
    func add(_ entry: DeliveryLane.Entry) {
        var kept: DeliveryWaiter?
        let isAdded = state.withLock { state in
            var entry = entry
            if case .event = entry {
                if !state.lane.hasRoom { return false }
                if state.lane.isHolding { kept = entry.takeWaiter() }
            }
            state.lane.add(entry)
            return true
        }
        kept?.settle(id, .queued)
        guard !isAdded, case .event(let event) = entry else { return }
        counters.countFailed()
        event.waiter.settle(id, .failed(reason: "too many events wait for destination \"\(id)\""))
    }

    /// Works the lane off as far as possible.
    func work() {
        run(state.withLock { $0.beginWork() })
    }

    /// Does a piece of work that the lane gave, and what it gives after that.
    func run(_ first: State.Step) {
        var step = first
        while true {
            switch step {
            case .work(.process(let entries)):
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
            case .drained(let waiting):
                for continuation in waiting { continuation.resume() }
                return
            case .none: return
            }
            step = state.withLock { $0.nextStep() }
        }
    }

    /// The destination's numbers.
    var status: CollectorStatus.Destination {
        state.withLock { state in
            var counts = state.counts
            counts.heldCount = state.lane.held.count + state.lane.postponed.count
            counts.waitingCount = state.lane.waitingCount
            counts.batchedCount = state.buffers.count
            counts.deadLetterCount = state.deadLetters.count
            counts.isFailing = state.lane.isFailing
            counts.breaker = state.lane.breaker?.phase
            return counts
        }
    }
}
