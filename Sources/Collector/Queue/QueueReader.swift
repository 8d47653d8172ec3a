import EventJSON
import Logging
import Synchronization

/// Takes one destination's events from the queue, and moves its cursors as they are settled.
///
/// As long as the destination keeps up, it gets events as they are written, from memory. When it falls behind they stay
/// in the queue and are read from there once it has taken those before.
///
/// Lock order: the reader's lock, then the worker's.
final class QueueReader: Sendable {
    struct State: Sendable {
        /// By `QueueFeed`.
        private var feeds: InlineArray<4, QueueFeedState>
        /// Whether the cursors were read.
        var hasBegun = false
        /// Who delivers; nil once the destination has ended. Another one when a flow was exchanged.
        var worker: DeliveryWorker?
        /// The collector's state now.
        var present: StateSnapshot
        /// The state that records were last read under, so that those which follow each other share it.
        var past: StateSnapshot
        /// Writes of events that the destination cannot have, under way: what they settle is not settled yet.
        var keepingCount = 0
        /// The places of events that are being kept elsewhere, or will be when it is tried again.
        var keeping: [QueuePlace: Int] = [:]
        /// Who waits for the end of one of these writes; told whether it succeeded.
        var kept: [@Sendable (Bool) -> Void] = []
        /// Who waits until a cursor is saved there or further on; the answer is whether it is.
        var passing: [(feed: QueueFeed, position: UInt64, completion: @Sendable (Bool) -> Void)] = []
        /// Whether giving events up is worth a word: the first time since the destination had all.
        var warnsOfGivingUp = true
        /// Whether events that wait for consent are to be looked at once more when these are written.
        var releasesAgain = false
        /// Events that the destination may have behind its cursor.
        var windowCount: UInt64 = 0
        /// Who waits until all that was accepted is settled.
        var finished: [CheckedContinuation<Bool, Never>] = []
        /// Who waits until the cursors stand where everything is settled.
        var saved: [CheckedContinuation<Void, Never>] = []

        init(destination: String, present: StateSnapshot) {
            func feed(_ stream: EventQueueStream) -> QueueFeedState {
                QueueFeedState(stream: stream, cursor: "", from: 0, tail: 0)
            }
            feeds = [
                feed(.events), feed(.held(destination: destination)), feed(.events),
                feed(.deadLetters(destination: destination)),
            ]
            self.present = present
            past = present
        }

        /// Whether everything that was accepted is settled.
        var isFinished: Bool { events.progress.settled >= events.tail && keepingCount == 0 }

        subscript(feed: QueueFeed) -> QueueFeedState {
            get { feeds[Int(feed.rawValue)] }
            // Changed in place: a copy of what is open for each event that is settled would be dear.
            _modify { yield &feeds[Int(feed.rawValue)] }
        }

        var events: QueueFeedState {
            get { self[.events] }
            _modify { yield &self[.events] }
        }

        /// Takes those who waited for the cursor to stand where it does.
        mutating func takePassed(_ feed: QueueFeed, orFailed hasFailed: Bool) -> [@Sendable (Bool) -> Void] {
            if passing.isEmpty { return [] }
            let saved = self[feed].saved
            let due = passing.filter { $0.feed == feed && (hasFailed || $0.position <= saved) }
            passing.removeAll { $0.feed == feed && (hasFailed || $0.position <= saved) }
            return due.map(\.completion)
        }

        /// Whether the cursors stand where everything is settled.
        var isSaved: Bool {
            keepingCount == 0 && QueueFeed.allCases.allSatisfy { self[$0].isSaved }
        }
    }

    let destination: String
    let queue: any EventQueue
    /// Where a destination without a cursor begins; nil: with what is written from then on.
    private let start: UInt64?
    let time: CollectorTime
    let logger: Logger
    let state: Mutex<State>

    /// How much is read at a time.
    static let pageByteCount = 1 << 20
    /// How long to wait before what the queue did not do is asked for again.
    static let pause = Duration.seconds(1)

    /// A reader that begins at the destination's cursor, once it has a worker; one without a cursor at `start`.
    init(
        destination: String,
        queue: any EventQueue,
        start: UInt64?,
        present: StateSnapshot,
        time: CollectorTime,
        logger: Logger
    ) {
        self.destination = destination
        self.queue = queue
        self.start = start
        self.time = time
        self.logger = logger
        state = Mutex(State(destination: destination, present: present))
    }

    /// Reads the cursors.
    private func begin(_ state: inout State) {
        guard !exchange(&state.hasBegun, with: true) else { return }
        func feed(_ stream: EventQueueStream, _ cursor: String, from start: UInt64?) -> QueueFeedState {
            let bounds = queue.bounds(of: stream)
            let present = queue.cursor(cursor, in: stream)
            let position = max(present ?? start ?? bounds.tail, bounds.earliest)
            // Written before anything that is accepted from now on: a destination that never succeeds has a place, too.
            if present == nil, bounds.isPresent {
                queue.setCursor(cursor, in: stream, to: position, passing: 0, isUrgent: false) { _ in }
            }
            return QueueFeedState(stream: stream, cursor: cursor, from: position, tail: bounds.tail)
        }
        let cursor = QueueCursorName.destination(destination)
        state[.events] = feed(.events, cursor, from: start)
        state[.held] = feed(.held(destination: destination), cursor, from: 0)
        // What waits for consent goes on waiting.
        state[.held].tail = state[.held].progress.taken
        // What was asked for in a former process, or while there was none.
        for feed in [QueueFeed.replay, .deadLetters] {
            let stream = state[feed].stream
            guard let from = queue.cursor(replayCursor, in: stream), let to = queue.cursor(replayEnd, in: stream)
            else { continue }
            let position = max(from, queue.bounds(of: stream).earliest)
            state[feed] = QueueFeedState(stream: stream, cursor: replayCursor, from: position, tail: to)
        }
    }

    /// Gives the events to this worker from now on. What was taken and not settled comes to it from its predecessor.
    func attach(_ worker: DeliveryWorker) {
        state.withLock { state in
            begin(&state)
            state.worker = worker
            state.windowCount = UInt64(worker.configuration.windowCount)
            for feed in QueueFeed.allCases {
                worker.widenWindow(feed, behind: state[feed].savedCount)
                worker.giveUp(feed, before: state[feed].givenUpOrdinal)
            }
        }
        wake()
    }

    /// Takes nothing more.
    func close() {
        let (waiting, kept) = state.withLock { state in
            state.worker = nil
            return (exchange(&state.finished, with: []), exchange(&state.kept, with: []))
        }
        for continuation in waiting { continuation.resume(returning: false) }
        for completion in kept { completion(false) }
    }

    /// Notes a change of the collector's state: what is read from now on was accepted before it.
    func update(_ present: StateSnapshot) {
        state.withLock { $0.present = present }
    }

    // MARK: As events are written

    /// Offers an event that was just written, in the order of writing.
    func offer(_ event: Event, _ snapshot: StateSnapshot, _ options: PushOptions, at range: Range<UInt64>) {
        state.withLock { state in
            state.events.tail = max(state.events.tail, range.upperBound)
            guard state.events.isFollowing, range.lowerBound >= state.events.progress.taken else { return }
            guard range.lowerBound == state.events.progress.taken, let worker = state.worker,
                state.events.progress.openCount < QueueFeedState.maximumOpenCount
            else {
                state.events.isFollowing = false
                return
            }
            guard options.allows(destination) else { return state.events.progress.pass(range.upperBound) }
            let place = QueuePlace(feed: .events, ordinal: state.events.progress.take(range.upperBound))
            worker.add(.event(queued(event, under: snapshot, options.ingest, at: place, state)))
        }
    }

    /// Lets the worker begin, and reads on if it is behind.
    func wake() {
        let (worker, isBehind, hasPassed) = state.withLock { state in
            (
                state.worker,
                QueueFeed.allCases.contains { state[$0].wantsReading },
                !state.isSaved
            )
        }
        if isBehind { for feed in QueueFeed.allCases { read(feed) } }
        if hasPassed { for feed in QueueFeed.allCases { save(feed) } }
        worker?.workApart()
    }

    // MARK: As events are settled

    /// Announces that many more outcomes of an event.
    func expect(_ count: Int, at place: QueuePlace) {
        state.withLock { $0[place.feed].progress.expect(count, at: place.ordinal) }
    }

    /// Notes that the fate of these events is known: delivered, left out, or kept elsewhere.
    func settle(_ places: [QueuePlace]) {
        var feeds: Set<QueueFeed> = []
        let finished = state.withLock { state in
            for place in places where state[place.feed].progress.settle(place.ordinal) {
                feeds.insert(place.feed)
            }
            if !state.warnsOfGivingUp, state.events.progress.settled >= state.events.tail {
                state.warnsOfGivingUp = true
            }
            return state.isFinished ? exchange(&state.finished, with: []) : []
        }
        for feed in feeds {
            save(feed)
            read(feed)
        }
        for continuation in finished { continuation.resume(returning: true) }
    }

    /// Returns when everything that was accepted up to now is settled, however long that takes; false if the reader was
    /// closed before.
    func finish() async -> Bool {
        let tail = queue.bounds(of: .events).tail
        return await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state -> Bool? in
                state.events.tail = max(state.events.tail, tail)
                if state.isFinished { return true }
                if state.worker == nil { return false }
                state.events.isFollowing = false
                state.finished.append(continuation)
                return nil
            }
            if let isFinished { continuation.resume(returning: isFinished) } else { read(.events) }
        }
    }

    /// Takes nothing more, and gives up the destination's place in the queue, which holds events no longer for it.
    func forget() {
        close()
        queue.removeCursor(QueueCursorName.destination(destination), in: .events)
    }

    /// Writes the cursor down, unless it is being written; the destination then gets more.
    ///
    /// With the next events, since each write takes a flush; at once when the destination would soon have to wait.
    func save(_ feed: QueueFeed, isUrgent mustHurry: Bool = false) {
        typealias Request = (position: UInt64, passedCount: UInt64)
        let saving = state.withLock { state -> (QueueFeedState, Request, isUrgent: Bool)? in
            let unsavedCount = state[feed].progress.settledCount - state[feed].savedCount
            let isUrgent = mustHurry || !state.passing.isEmpty || unsavedCount >= state.windowCount / 2
            guard let request = state[feed].beginSaving(isUrgent: isUrgent) else { return nil }
            return (state[feed], request, isUrgent)
        }
        guard let (present, request, isUrgent) = saving else { return }
        let (position, count) = (request.position, present.progress.settledCount)
        queue.setCursor(
            present.cursor,
            in: present.stream,
            to: position,
            passing: request.passedCount,
            isUrgent: isUrgent
        ) { [self] result in
            var isSaved = true
            if case .failure(let error) = result {
                isSaved = false
                logger.error("the destination's cursor was not saved", metadata: ["error": "\(error)"])
            }
            let (worker, passed) = state.withLock { state in
                let settledCount = state[feed].endSaving(position, count: count, isUrgent: isUrgent, isSaved: isSaved)
                if isSaved { state.worker?.widenWindow(feed, behind: settledCount) }
                return (state.worker, state.takePassed(feed, orFailed: !isSaved))
            }
            for completion in passed { completion(isSaved) }
            if isSaved {
                worker?.workApart()
                save(feed, isUrgent: mustHurry)
                endReplay(feed)
            } else if worker != nil {
                later { self.save(feed) }
            }
            noteSaved(orFailed: !isSaved)
        }
    }

    /// Tells who waits for the cursors.
    func noteSaved(orFailed hasFailed: Bool) {
        let waiting = state.withLock { $0.isSaved || hasFailed ? exchange(&$0.saved, with: []) : [] }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when the cursors stand where everything is settled, or could not be written.
    func finishSaving() async {
        await withCheckedContinuation { continuation in
            let isSaved = state.withLock { state in
                if state.isSaved { return true }
                state.saved.append(continuation)
                return false
            }
            if isSaved { continuation.resume() }
            for feed in QueueFeed.allCases { save(feed, isUrgent: true) }
        }
    }

    // MARK: Numbers

    /// Events that wait for consent.
    var heldCount: Int {
        queue.bounds(of: .held(destination: destination)).count
    }

    /// Dead letters that are kept.
    var deadLetterCount: Int { queue.bounds(of: .deadLetters(destination: destination)).count }

    /// Dead letters that had to go because there were too many.
    var droppedDeadLetterCount: Int { queue.droppedCount(in: .deadLetters(destination: destination)) }

    /// Bytes that are still to be read.
    var unreadByteCount: Int {
        state.withLock { Int(clamping: $0.events.tail - min($0.events.tail, $0.events.progress.taken)) }
    }

    /// Does something in a while.
    func later(_ work: @escaping @Sendable () -> Void) {
        Task {
            try? await time.sleep(Self.pause)
            work()
        }
    }
}
