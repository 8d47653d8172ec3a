import Collector
import DurableLog
import Logging
import Synchronization

/// Room on a full disk, or under the store's limit.
extension EventLog {
    struct RoomState {
        var isAtWork = false
        var waiting: [@Sendable (Int) -> Void] = []
        /// When room was last made.
        var last: ContinuousClock.Instant?
    }

    /// Gives up what every destination is done with; of these events, none is kept any longer. Calls back with how many
    /// bytes of the oldest events have to be given up before the next room is made.
    public func makeRoom(completion: @escaping @Sendable (Int) -> Void) {
        let isFirst = room.withLock { state in
            state.waiting.append(completion)
            return !exchange(&state.isAtWork, with: true)
        }
        guard isFirst else { return }
        let events = Self.name(of: .events)
        // Called back behind what is being written: cursors that were moved just now.
        store.trim(events, before: .zero, messageCount: nil) { [self] _ in
            guard case .success(let status) = store.status(of: events) else { return finishMakingRoom() }
            let position = status.cursors.values.min() ?? status.tail
            let releases = position > status.earliest
            guard releases || isDue else { return finishMakingRoom() }
            store.trim(events, before: position, messageCount: nil) { [self] _ in
                store.maintain { [self] _ in
                    room.withLock { $0.last = .now }
                    finishMakingRoom()
                }
            }
        }
    }

    /// Whether it is time to look for room that nothing announces: a checkpoint costs more than a refusal.
    private var isDue: Bool {
        room.withLock { state in state.last.map { .now - $0 > .seconds(1) } ?? true }
    }

    private func finishMakingRoom() {
        let waiting = room.withLock { state in
            state.isAtWork = false
            return exchange(&state.waiting, with: [])
        }
        for completion in waiting { completion(options.pieceByteCount) }
    }
}
