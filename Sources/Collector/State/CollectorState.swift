import DequeModule
import EventJSON

/// What a collector's lock guards: its state, the events it keeps for later, and the counts of sources.
struct CollectorState: Sendable {
    /// An event that came before the run began, as its sender wrote it.
    struct HeldPush: Sendable {
        let text: [UInt8]
        let options: PushOptions
    }

    /// An event of this run, as destinations that come late get it.
    struct KeptEvent: Sendable {
        let event: Event
        let ingest: Ingest?
    }

    var snapshot: StateSnapshot
    var identifiers = IdentifierGenerator()
    /// Whether the collector has been started.
    var isStarted = false
    /// Whether the run has begun.
    var isAllowed = false
    /// Whether events are still taken.
    var isOpen = true
    /// Events accepted in this run without a count of their own.
    var count = 0
    var workers: [DeliveryWorker] = []
    /// Workers of a predecessor whose destinations this collector does not have, until their events are delivered.
    var retired: [DeliveryWorker] = []
    /// Whether another collector has taken this one's place.
    var isSucceeded = false
    /// The collector whose place this one takes, until it has.
    var predecessor: Collector?
    /// Destinations whose required changes of state have not come.
    var pending: [(registration: DestinationRegistration, missing: [String])] = []
    /// Types of changes that have been broadcast.
    var broadcastTypes: Set<String> = []
    /// Events of this run, for destinations that are added late.
    var backfill = BoundedQueue<KeptEvent>()
    /// Events that came before the run.
    var preRun = BoundedQueue<HeldPush>()
    var sources: [String: CollectorStatus.Source] = [:]
    /// Lines on invalid events.
    var refusalLog = LogAllowance()
    /// Events in the steps of sources.
    var lanes: [String: SourceLane] = [:]
    /// Events that were accepted, to be written to the queue once the lock is free.
    var outgoing: [Collector.OutgoingRecord] = []
    /// Where the queue ended when the collector was made: who has no cursor begins there.
    var queueStart: UInt64 = 0
    /// Steps that have to be waited for, to be begun once the lock is free.
    var begunWork: [Collector.BegunWork] = []
    /// Who waits until no event is in the steps of a source.
    var lanesEnded: [CheckedContinuation<Void, Never>] = []

    init(snapshot: StateSnapshot) {
        self.snapshot = snapshot
    }

    /// Puts a changed part into the state.
    mutating func update(
        consent: JSONObject? = nil,
        user: JSONObject? = nil,
        globals: JSONObject? = nil,
        custom: JSONObject? = nil,
        trace: String? = nil,
        runStartMilliseconds: Int? = nil
    ) {
        snapshot = StateSnapshot(
            consent: consent.map(StateCell.init) ?? snapshot.consent,
            user: user.map(StateCell.init) ?? snapshot.user,
            globals: globals.map(StateCell.init) ?? snapshot.globals,
            custom: custom.map(StateCell.init) ?? snapshot.custom,
            name: snapshot.name,
            release: snapshot.release,
            trace: trace ?? snapshot.trace,
            runStartMilliseconds: runStartMilliseconds ?? snapshot.runStartMilliseconds
        )
    }

    /// Whether a required change of state has come: a part of the state is not empty, or the type was broadcast.
    func isFulfilled(_ requirement: String) -> Bool {
        switch requirement {
        case "consent": !snapshot.consent.object.isEmpty
        case "user": !snapshot.user.object.isEmpty
        case "globals": !snapshot.globals.object.isEmpty
        case "custom": !snapshot.custom.object.isEmpty
        case "run", "ready": isAllowed
        default: broadcastTypes.contains(requirement)
        }
    }
}

/// A queue that lets its oldest element go when it is full, and tells so once per episode.
struct BoundedQueue<Element: Sendable>: Sendable {
    private(set) var elements = Deque<Element>()
    private(set) var droppedCount = 0
    private var isOverflowing = false
    /// The bytes of each element, and of all.
    private var byteCounts = Deque<Int>()
    private var byteCount = 0

    /// Adds an element of so many bytes; true if an episode of overflow begins.
    ///
    /// Bytes are bounded as well as elements, since senders choose how large those are. The last one always stays.
    mutating func append(_ element: Element, byteCount size: Int, maximumCount: Int, maximumByteCount: Int) -> Bool {
        elements.append(element)
        byteCounts.append(size)
        byteCount += size
        var hasDropped = false
        while elements.count > maximumCount || (byteCount > maximumByteCount && elements.count > 1) {
            elements.removeFirst()
            byteCount -= byteCounts.removeFirst()
            droppedCount += 1
            hasDropped = true
        }
        return !exchange(&isOverflowing, with: hasDropped) && hasDropped
    }

    mutating func removeAll() -> [Element] {
        byteCounts = []
        byteCount = 0
        return Array(exchange(&elements, with: []))
    }
}
