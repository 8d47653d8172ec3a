import Collector
import Synchronization

/// A queue that writes to one stream when the test says so.
final class SlowQueue: EventQueue {
    private struct State {
        var stream: EventQueueStream?
        var appends: [@Sendable () -> Void] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let next: any EventQueue
    private let state = Mutex(State())

    init(_ next: any EventQueue) {
        self.next = next
    }

    /// From now on, appends to that stream wait.
    func holdBack(_ stream: EventQueueStream) {
        state.withLock { $0.stream = stream }
    }

    /// Returns once so many wait.
    func isHolding(count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.appends.count >= count { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Writes those that wait, and later ones at once.
    func letGo() {
        let appends = state.withLock { state in
            state.stream = nil
            let appends = state.appends
            state.appends = []
            return appends
        }
        for append in appends { append() }
    }

    func append(
        _ batch: EventQueueBatch,
        to stream: EventQueueStream,
        completion: @escaping @Sendable (Result<EventQueueReceipt, EventQueueError>) -> Void
    ) {
        let (isHeld, waiting) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard state.stream == stream else { return (false, []) }
            state.appends.append { [next] in next.append(batch, to: stream, completion: completion) }
            let count = state.appends.count
            let waiting = state.waiting.filter { $0.count <= count }.map(\.continuation)
            state.waiting.removeAll { $0.count <= count }
            return (true, waiting)
        }
        for continuation in waiting { continuation.resume() }
        if !isHeld { next.append(batch, to: stream, completion: completion) }
    }

    func read(
        _ stream: EventQueueStream,
        from position: UInt64,
        maximumByteCount: Int,
        completion: @escaping @Sendable (Result<EventQueuePage, EventQueueError>) -> Void
    ) {
        next.read(stream, from: position, maximumByteCount: maximumByteCount, completion: completion)
    }

    func cursors(in stream: EventQueueStream) -> [String: UInt64] { next.cursors(in: stream) }
    func makeRoom(completion: @escaping @Sendable (Int) -> Void) { next.makeRoom(completion: completion) }
    func droppedCount(in stream: EventQueueStream) -> Int { next.droppedCount(in: stream) }
    func bounds(of stream: EventQueueStream) -> EventQueueBounds { next.bounds(of: stream) }
    func cursor(_ name: String, in stream: EventQueueStream) -> UInt64? { next.cursor(name, in: stream) }
    func removeCursor(_ name: String, in stream: EventQueueStream) { next.removeCursor(name, in: stream) }

    func setCursor(
        _ name: String,
        in stream: EventQueueStream,
        to position: UInt64,
        passing count: UInt64,
        isUrgent: Bool,
        completion: @escaping @Sendable (Result<Void, EventQueueError>) -> Void
    ) {
        next.setCursor(
            name,
            in: stream,
            to: position,
            passing: count,
            isUrgent: isUrgent,
            completion: completion
        )
    }
}
