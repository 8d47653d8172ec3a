public import EventJSON
import Synchronization

/// Keeps values in memory. When there are too many, those go that were not used for longest.
public final class MemoryStore: ImmediateStore {
    private struct Entry {
        var value: JSONValue
        var expiresAtMilliseconds: Int?
        var lastUse: Int
    }

    private struct State {
        var entries: [ExactString: Entry] = [:]
        var useCount = 0
    }

    /// Values kept by default.
    public static let standardMaximumCount = 10_000

    /// "memory".
    public var type: String { "memory" }
    private let maximumCount: Int
    private let nowMilliseconds: @Sendable () -> Int
    private let state = Mutex(State())

    /// A store of at most so many values, by a clock that gives milliseconds.
    public init(
        maximumCount: Int = MemoryStore.standardMaximumCount,
        nowMilliseconds: @escaping @Sendable () -> Int = CollectorTime.system.monotonicMilliseconds
    ) {
        self.maximumCount = max(1, maximumCount)
        self.nowMilliseconds = nowMilliseconds
    }

    /// Values kept at this moment, forgotten ones included until they are asked for.
    public var count: Int { state.withLock { $0.entries.count } }

    /// The value under a key; missing if there is none.
    public func immediateValue(forKey key: String) -> JSONValue {
        let now = nowMilliseconds()
        let key = ExactString(key)
        return state.withLock { state in
            guard var entry = state.entries[key] else { return .missing }
            if let expiry = entry.expiresAtMilliseconds, expiry <= now {
                state.entries[key] = nil
                return .missing
            }
            state.useCount += 1
            entry.lastUse = state.useCount
            state.entries[key] = entry
            return entry.value
        }
    }

    /// Keeps a value under a key.
    public func setImmediately(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?) {
        let now = nowMilliseconds()
        state.withLock { state in
            state.useCount += 1
            state.entries[ExactString(key)] = Entry(
                value: value,
                expiresAtMilliseconds: lifetimeMilliseconds.map { now + $0 },
                lastUse: state.useCount
            )
            if state.entries.count > maximumCount { Self.evict(&state, now: now, down: maximumCount * 4 / 5) }
        }
    }

    /// Forgets a key.
    public func removeImmediately(_ key: String) {
        state.withLock { _ = $0.entries.removeValue(forKey: ExactString(key)) }
    }

    /// Many at once, so that it happens seldom: first what has expired, then what was not used for longest.
    private static func evict(_ state: inout State, now: Int, down count: Int) {
        state.entries = state.entries.filter { $0.value.expiresAtMilliseconds.map { $0 > now } ?? true }
        let excess = state.entries.count - max(1, count)
        guard excess > 0 else { return }
        let oldest = state.entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(excess)
        for entry in oldest { state.entries[entry.key] = nil }
    }
}
