import Synchronization

/// Finds room for events that a full queue refused: what every destination has goes first, then what those have not
/// taken whose policy it is to give events up. What is refused after that is refused.
final class QueueRelief: Sendable {
    /// Events that one push brought, waiting for room.
    struct Push: Sendable {
        let byteCount: Int
        /// Tries to write them again. On success all is done when the result is given.
        let write: @Sendable (_ completion: @escaping @Sendable (EventQueueError?) -> Void) -> Void
        let refuse: @Sendable (EventQueueError) -> Void
    }

    private struct State {
        var pushes: [Push] = []
        var byteCount = 0
        var isAtWork = false
    }

    private let queue: any EventQueue
    private let readers: QueueReaders
    private let state = Mutex(State())

    /// Bytes of events that may wait; senders of more are refused at once.
    private static let maximumByteCount = 64 << 20

    init(_ queue: any EventQueue, _ readers: QueueReaders) {
        self.queue = queue
        self.readers = readers
    }

    /// Lets a push wait for room, after the queue refused it.
    func add(_ push: Push, refusedFor error: EventQueueError) {
        let (isTaken, begins) = state.withLock { state in
            guard state.byteCount + push.byteCount <= Self.maximumByteCount else { return (false, false) }
            state.pushes.append(push)
            state.byteCount += push.byteCount
            return (true, !exchange(&state.isAtWork, with: true))
        }
        if !isTaken { return push.refuse(error) }
        if begins { Task { await work() } }
    }

    private func work() async {
        while state.withLock({ state in
            state.isAtWork = !state.pushes.isEmpty
            return state.isAtWork
        }) {
            let pieceByteCount = await makeRoom()
            let pushes = state.withLock { state in
                state.byteCount = 0
                return exchange(&state.pushes, with: [])
            }
            let refused = await write(pushes)
            guard !refused.isEmpty else { continue }
            if await giveUp(pieceByteCount) {
                state.withLock { state in
                    state.pushes = refused.map(\.push) + state.pushes
                    state.byteCount += refused.reduce(0) { $0 + $1.push.byteCount }
                }
            } else {
                for (push, error) in refused { push.refuse(error) }
            }
        }
    }

    private func makeRoom() async -> Int {
        await withCheckedContinuation { continuation in
            queue.makeRoom { continuation.resume(returning: $0) }
        }
    }

    /// Tries all of them, in order; gives those for which there is still no room.
    private func write(_ pushes: [Push]) async -> [(push: Push, error: EventQueueError)] {
        guard !pushes.isEmpty else { return [] }
        let errors = await withCheckedContinuation { continuation in
            let answers = Answers(count: pushes.count, continuation)
            for (index, push) in pushes.enumerated() {
                push.write { answers.note($0, at: index) }
            }
        }
        return zip(pushes, errors).compactMap { push, error in error.map { (push, $0) } }
    }

    /// Gives up what reaches over a piece of the oldest events; whether anything moved that holds them.
    private func giveUp(_ pieceByteCount: Int) async -> Bool {
        let givingUp = readers.list.filter(\.givesUp)
        if givingUp.isEmpty { return false }
        let bounds = queue.bounds(of: .events)
        let names = givingUp.flatMap { reader in
            let replay = QueueCursorName.replay(to: reader.destination)
            return [QueueCursorName.destination(reader.destination), replay.position, replay.end]
        }
        let others = queue.cursors(in: .events).filter { !names.contains($0.key) }
        // Where another destination holds the events, nothing is won by giving them up.
        let end = min(others.values.min() ?? bounds.tail, bounds.earliest + UInt64(pieceByteCount))
        guard end > bounds.earliest else { return false }
        var hasMoved = false
        for reader in givingUp {
            for feed in [QueueFeed.events, .replay] where await reader.giveUp(feed, before: end) { hasMoved = true }
        }
        return hasMoved
    }
}

extension QueueReader {
    fileprivate func giveUp(_ feed: QueueFeed, before end: UInt64) async -> Bool {
        await withCheckedContinuation { continuation in
            giveUp(feed, before: end) { continuation.resume(returning: $0) }
        }
    }
}

/// Gathers the answers of several writes.
private final class Answers: Sendable {
    private struct State {
        var errors: [EventQueueError?]
        var openCount: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[EventQueueError?], Never>

    init(count: Int, _ continuation: CheckedContinuation<[EventQueueError?], Never>) {
        state = Mutex(State(errors: Array(repeating: nil, count: count), openCount: count))
        self.continuation = continuation
    }

    func note(_ error: EventQueueError?, at index: Int) {
        let errors = state.withLock { state -> [EventQueueError?]? in
            state.errors[index] = error
            state.openCount -= 1
            return state.openCount == 0 ? state.errors : nil
        }
        if let errors { continuation.resume(returning: errors) }
    }
}
