/// What a collector has done since it was made, and what waits.
public struct CollectorStatus: Sendable, Equatable {
    /// One source.
    public struct Source: Sendable, Equatable {
        /// Events accepted.
        public var acceptedCount = 0
        /// Events refused as invalid.
        public var rejectedCount = 0
        /// Events that the source's steps left out on purpose.
        public var droppedCount = 0
    }

    /// Whether a circuit breaker lets deliveries pass.
    public enum BreakerPhase: String, Sendable, Equatable {
        /// All pass.
        case closed
        /// None passes; events wait.
        case open
        /// The next one passes, as a probe.
        case halfOpen
    }

    /// One destination. Every event is counted once.
    public struct Destination: Sendable, Equatable {
        /// Events delivered, or left out by a rule.
        public var deliveredCount = 0
        /// Of these, events left out by a rule.
        public var ignoredCount = 0
        /// Events that the destination's steps left out on purpose.
        public var droppedCount = 0
        /// Events not delivered because the destination's cache knows them.
        public var knownCount = 0
        /// Events that could not be delivered.
        public var failedCount = 0
        /// Of these, events that became dead letters because the queue was full.
        public var givenUpCount = 0
        /// Events that wait for consent or for the destination to be ready.
        public var heldCount = 0
        /// Events accepted and not yet settled.
        public var waitingCount = 0
        /// Bytes of events in the queue that were not read for the destination yet.
        public var unreadByteCount = 0
        /// Events gathered for a batch.
        public var batchedCount = 0
        /// Dead letters kept.
        public var deadLetterCount = 0
        /// Held events that had to go because there were too many.
        public var droppedHeldCount = 0
        /// Dead letters that had to go because there were too many.
        public var droppedDeadLetterCount = 0
        /// Attempts after which something was to be tried again.
        public var retryCount = 0
        /// Whether the destination keeps failing: what comes is kept, and nobody waits for it.
        public var isFailing = false
        /// Why the last delivery or preparation that failed did; nil if none has.
        public var lastFailure: String?
        /// What the circuit breaker does; nil if there is none.
        public var breaker: BreakerPhase?
        /// Whether the destination has been initialized.
        public var isReady = false

        /// Adds what a predecessor of the same id did.
        mutating func add(_ other: Destination) {
            deliveredCount += other.deliveredCount
            ignoredCount += other.ignoredCount
            droppedCount += other.droppedCount
            knownCount += other.knownCount
            failedCount += other.failedCount
            givenUpCount += other.givenUpCount
            droppedHeldCount += other.droppedHeldCount
            droppedDeadLetterCount += other.droppedDeadLetterCount
            retryCount += other.retryCount
            lastFailure = lastFailure ?? other.lastFailure
        }
    }

    /// Events accepted.
    public var acceptedCount = 0
    /// Deliveries that ended well, per event and destination.
    public var deliveredCount = 0
    /// Failures of any kind.
    public var failedCount = 0
    /// Sources by id.
    public var sources: [String: Source] = [:]
    /// Destinations by id.
    public var destinations: [String: Destination] = [:]
    /// Destinations that wait for a required change of state.
    public var pendingDestinations: [String] = []
    /// Events of this run kept for destinations that are added late.
    public var backfillCount = 0
    /// Events that left that store because there were too many.
    public var droppedBackfillCount = 0
    /// Events held because the run has not begun.
    public var preRunCount = 0
    /// Events lost because too many came before the run began.
    public var droppedPreRunCount = 0
}
