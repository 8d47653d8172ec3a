public import Collector
import Synchronization

/// A clock that stands still until a test moves it.
///
/// ```swift
/// let time = ManualTime()
/// let collector = Collector(destinations: […], time: time.collectorTime)
/// time.advance(milliseconds: 30_000)   // whoever slept that long goes on
/// ```
public final class ManualTime: Sendable {
    private struct Sleeper {
        let id: Int
        let wakesAtMilliseconds: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var nowMilliseconds: Int
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var nextID = 0
    }

    private let state: Mutex<State>

    /// A clock that shows this time, in milliseconds since 1970.
    public init(nowMilliseconds: Int = 1_700_000_000_000) {
        state = Mutex(State(nowMilliseconds: nowMilliseconds))
    }

    /// The clock as a collector takes it.
    public var collectorTime: CollectorTime {
        CollectorTime(
            nowMilliseconds: { self.state.withLock { $0.nowMilliseconds } },
            monotonicMilliseconds: { self.state.withLock { $0.nowMilliseconds } },
            sleep: { try await self.sleep($0) }
        )
    }

    /// Moves the clock and wakes whoever's time has come, the earliest first.
    public func advance(milliseconds: Int) {
        let due = state.withLock { state -> [Sleeper] in
            state.nowMilliseconds += milliseconds
            let now = state.nowMilliseconds
            let due = state.sleepers.filter { $0.wakesAtMilliseconds <= now }
            state.sleepers.removeAll { $0.wakesAtMilliseconds <= now }
            return due.sorted { $0.wakesAtMilliseconds < $1.wakesAtMilliseconds }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Moves the clock to the next sleeper's time if that is at most so far away; false if there is none.
    public func advanceToNextSleeper(within milliseconds: Int) -> Bool {
        let distance = state.withLock { state in
            state.sleepers.map { $0.wakesAtMilliseconds - state.nowMilliseconds }.min()
        }
        guard let distance, distance <= milliseconds else { return false }
        advance(milliseconds: max(0, distance))
        return true
    }

    /// How many are asleep.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    private func sleep(_ duration: Duration) async throws {
        let milliseconds =
            Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if milliseconds <= 0 { return .success(()) }
                    state.sleepers.append(
                        Sleeper(
                            id: id,
                            wakesAtMilliseconds: state.nowMilliseconds + milliseconds,
                            continuation: continuation
                        )
                    )
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let place = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: place)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
