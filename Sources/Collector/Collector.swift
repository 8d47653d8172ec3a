import EventJSON
public import Logging
import Synchronization

/// Takes events, completes them, and brings them to every destination that consent and mapping allow.
///
/// ```swift
/// let collector = Collector(destinations: [
///     DestinationRegistration(id: "redis", destination: redis)
/// ])
/// await collector.start()
/// let result = await collector.push(["name": "order complete", "data": ["total": 42]])
/// result.isOK   // delivered, or kept until consent is given
/// await collector.shutdown()
/// ```
///
/// Events are accepted one after another under one lock, and reach each destination in that order. A push resolves
/// once every destination is done with the event, keeps it, or has failed.
///
/// Lock order: the collector's lock, then a worker's, then a tracker's; never the other way round.
public final class Collector: Sendable {
    let options: CollectorOptions
    let sources: [String: SourceRegistration]
    let logger: Logger
    let time: CollectorTime
    let counters: CollectorCounters
    let state: Mutex<CollectorState>
    /// Where accepted events are written; nil if they live in memory only.
    let queue: (any EventQueue)?
    /// Who takes events from the queue: shared by the collectors that take each other's place, so that what is pushed to
    /// one that is being replaced reaches the other's destinations.
    let readers: QueueReaders
    /// Finds room when the queue is full; shared likewise.
    let relief: QueueRelief?
    /// Transformers and stores.
    let plan: StepPlan
    /// The steps of sources; nil if none has any.
    let sourceSteps: [String: SourceSteps]?

    /// A collector with these destinations and sources, and the transformers and stores that these name. Nothing happens before `start`.
    ///
    /// With a `queue`, events are written there before anything else, and a push resolves when they are on stable
    /// storage; each destination then goes on from its own cursor.
    ///
    /// With a `predecessor`, which must be running, it is there to take that one's place: see ``succeed()``. The queue
    /// is then the predecessor's.
    public init(
        options: CollectorOptions = CollectorOptions(),
        sources: [SourceRegistration] = [],
        destinations: [DestinationRegistration] = [],
        transformers: [TransformerRegistration] = [],
        stores: [StoreRegistration] = [],
        queue: (any EventQueue)? = nil,
        logger: Logger = Logger(label: "collector"),
        time: CollectorTime = .system,
        succeeding predecessor: Collector? = nil
    ) {
        self.options = options
        counters = predecessor?.counters ?? CollectorCounters()
        self.queue = predecessor == nil ? queue : predecessor?.queue
        readers = predecessor?.readers ?? QueueReaders()
        relief = predecessor?.relief ?? self.queue.map { [readers] in QueueRelief($0, readers) }
        self.sources = Dictionary(sources.map { ($0.id, $0) }) { _, last in last }
        self.logger = logger
        self.time = time
        plan = StepPlan(transformers: transformers, stores: stores, logger: logger, time: time)
        let steps = self.sources.compactMapValues(SourceSteps.init)
        sourceSteps = steps.isEmpty ? nil : steps
        var identifiers = IdentifierGenerator()
        let snapshot = StateSnapshot(
            consent: StateCell([:]),
            user: StateCell([:]),
            globals: StateCell(options.globalsStatic.assigning(options.globals)),
            custom: StateCell([:]),
            name: options.name,
            release: options.release,
            trace: identifiers.traceID(),
            runStartMilliseconds: time.nowMilliseconds()
        )
        state = Mutex(CollectorState(snapshot: snapshot))
        state.withLock { state in
            state.predecessor = predecessor
            state.queueStart = self.queue?.bounds(of: .events).tail ?? 0
            for registration in destinations { _ = register(registration, in: &state) }
        }
    }

    /// A collector that was succeeded ends its transformers and stores when the last push that began with it is over.
    deinit {
        guard state.withLock({ $0.isSucceeded }) else { return }
        Task { [plan] in await plan.end(within: Self.patience) }
    }

    /// Whether a source has steps, or a destination, which may ask for what the source notes of a request.
    public var hasSteps: Bool {
        sourceSteps != nil
            || state.withLock { state in
                state.workers.contains { $0.steps != nil }
                    || state.pending.contains { !$0.registration.configuration.steps.isEmpty }
            }
    }

    /// Whether the collector has been started and not been shut down.
    public var isRunning: Bool { state.withLock { $0.isStarted && $0.isOpen } }

    /// Applies the initial state and, unless `options.run` is false, begins the run. A second call does nothing.
    public func start() async {
        guard !state.withLock({ exchange(&$0.isStarted, with: true) }) else { return }
        await plan.start(within: Self.patience)
        attach(state.withLock { $0.workers })
        for (type, object) in [
            ("consent", options.consent), ("user", options.user), ("custom", options.custom),
        ] where !object.isEmpty {
            _ = await command(CollectorCommand(name: type, data: .object(object)))
        }
        if options.run { _ = await command(.run()) }
    }

    /// The collector's numbers at this moment.
    public var status: CollectorStatus {
        var status = CollectorStatus()
        let totals = counters.totals
        status.acceptedCount = totals.accepted
        status.deliveredCount = totals.delivered
        status.failedCount = totals.failed
        let workers = state.withLock { state in
            status.sources = state.sources
            status.pendingDestinations = state.pending.map(\.registration.id)
            status.backfillCount = state.backfill.elements.count
            status.droppedBackfillCount = state.backfill.droppedCount
            status.preRunCount = state.preRun.elements.count
            status.droppedPreRunCount = state.preRun.droppedCount
            return state.workers
        }
        for worker in workers { status.destinations[worker.id] = worker.status }
        return status
    }

    /// The dead letters of a destination, oldest first; nil if there is no such destination.
    public func deadLetters(of destination: String) -> [DeadLetter]? {
        let worker = state.withLock { $0.workers.first { $0.id == destination } }
        return worker?.state.withLock { $0.deadLetters.letters }
    }

    /// Registers a destination, or parks it until its required changes of state have come. Returns its worker if it
    /// is in place.
    func register(_ registration: DestinationRegistration, in state: inout CollectorState) -> DeliveryWorker? {
        var registration = registration
        if registration.id.isEmpty { registration.id = state.identifiers.destinationID() }
        let missing = registration.configuration.require.filter { !state.isFulfilled($0) }
        if !missing.isEmpty {
            state.pending.removeAll { $0.registration.id == registration.id }
            state.pending.append((registration, missing))
            return nil
        }
        var logger = logger
        logger[metadataKey: "destination"] = "\(registration.id)"
        logger[metadataKey: "type"] = "\(registration.destination.type)"
        let reader = queue.map { queue in
            state.predecessor?.worker(registration.id)?.reader
                ?? QueueReader(
                    destination: registration.id,
                    queue: queue,
                    start: registration.configuration.isBackfilled ? state.queueStart : nil,
                    present: state.snapshot,
                    time: time,
                    logger: logger
                )
        }
        let worker = DeliveryWorker(
            id: registration.id,
            destination: registration.destination,
            configuration: registration.configuration,
            steps: DestinationSteps(
                registration.configuration.steps,
                id: registration.id,
                isMocked: !registration.configuration.mock.isMissing,
                plan: plan
            ),
            reader: reader,
            logger: logger,
            counters: counters,
            time: time
        )
        if state.predecessor?.worker(registration.id) != nil { worker.suspend() }
        if let place = state.workers.firstIndex(where: { $0.id == registration.id }) {
            state.workers[place] = worker
        } else {
            state.workers.append(worker)
        }
        // A successor's destinations get events from when it takes over.
        if state.predecessor == nil { noteReaders(state) }
        return worker
    }
}
