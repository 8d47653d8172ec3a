import EventJSON

extension DeliveryWorker {
    /// What the worker's lock guards.
    struct State {
        var lane: DeliveryLane
        var buffers = BatchBuffers()
        var deadLetters = DeadLetterQueue()
        var counts = CollectorStatus.Destination()
        var warnsOfHeld = true
        var warnsOfDeadLetters = true
        /// Attempts in a row after which something is to be tried again.
        var failureCount = 0
        /// When the destination may be prepared again after it was not ready.
        var preparation = PreparationPause()
        /// Who waits until nothing is left to do.
        var drained: [CheckedContinuation<Void, Never>] = []
        /// The worker that takes this one's place; what comes is its.
        var successor: DeliveryWorker?
        /// Who waits until nothing is under way any more in a suspended lane.
        var settled: [CheckedContinuation<Void, Never>] = []
        /// Whether the destination was ended.
        var isDestroyed = false
        /// Commands that wait until the destination has been told its changes.
        var telling: [FlushTracker] = []
        /// Cache keys of events that are under way, and the events with the same keys that wait for what becomes of
        /// them.
        var claims: [String: [QueuedEvent]] = [:]

        init(lane: DeliveryLane) {
            self.lane = lane
        }

        /// What a worker does next.
        enum Step: Sendable {
            case work(DeliveryLane.Work)
            /// Nothing is left to do, and these waited for that.
            case drained([CheckedContinuation<Void, Never>])
            case none
        }

        mutating func beginWork() -> Step {
            step(lane.beginWork())
        }

        mutating func nextStep() -> Step {
            step(lane.nextWork())
        }

        private mutating func step(_ work: DeliveryLane.Work?) -> Step {
            if let work { return .work(work) }
            if !settled.isEmpty, lane.isSettled { return .drained(exchange(&settled, with: [])) }
            return drained.isEmpty || !lane.isIdle ? .none : .drained(exchange(&drained, with: []))
        }

        /// Counts held events that had to go; whether this is the first of an episode.
        mutating func noteDroppedHeld(_ count: Int) -> Bool {
            counts.droppedHeldCount += count
            return exchange(&warnsOfHeld, with: count == 0) && count > 0
        }

        /// Keeps dead letters; whether the first of an episode had to go.
        mutating func noteDeadLetters(
            _ failed: [(position: Int, reason: String)],
            of batch: OutgoingBatch,
            maximumCount: Int
        ) -> Bool {
            let letters = failed.map { position, reason in
                DeadLetter(
                    event: batch.pending.deliveries[position].event,
                    reason: reason,
                    attemptCount: batch.attemptCount
                )
            }
            return noteDeadLetters(letters, maximumCount: maximumCount)
        }

        /// Keeps dead letters; whether the first of an episode had to go.
        mutating func noteDeadLetters(_ letters: [DeadLetter], maximumCount: Int) -> Bool {
            if letters.isEmpty { return false }
            var dropped = 0
            for letter in letters { dropped += deadLetters.append(letter, maximumCount: maximumCount) }
            counts.droppedDeadLetterCount += dropped
            return exchange(&warnsOfDeadLetters, with: dropped == 0) && dropped > 0
        }
    }
}
