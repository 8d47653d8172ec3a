import Glibc
import Synchronization

/// The id of a stream's entry: milliseconds since 1970 and a number within them.
struct RedisEntryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    var milliseconds: UInt64
    var sequence: UInt64

    init(milliseconds: UInt64, sequence: UInt64) {
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    /// Reads `1700000000000-3`.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = UInt64(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
        self.init(milliseconds: milliseconds, sequence: sequence)
    }

    /// As Redis writes it.
    var description: String { "\(milliseconds)-\(sequence)" }

    static func < (left: RedisEntryID, right: RedisEntryID) -> Bool {
        (left.milliseconds, left.sequence) < (right.milliseconds, right.sequence)
    }

    /// The first id after this one that is not before the given time.
    func next(nowMilliseconds: UInt64) -> RedisEntryID {
        if nowMilliseconds > milliseconds { return RedisEntryID(milliseconds: nowMilliseconds, sequence: 0) }
        let (sequence, overflows) = sequence.addingReportingOverflow(1)
        return overflows
            ? RedisEntryID(milliseconds: milliseconds + 1, sequence: 0)
            : RedisEntryID(milliseconds: milliseconds, sequence: sequence)
    }
}

/// Chooses the ids of a single writer's entries, and remembers those of which nobody knows whether they are written.
///
/// Ids of a stream only grow. An event whose reply was lost keeps its id when it comes again: Redis then refuses to
/// write it a second time.
final class RedisEntryIDs: Sendable {
    /// An event of which nobody knows whether it is in the stream.
    private struct Doubt: Hashable {
        let streamKey: String
        let event: [UInt8]
    }

    /// So many doubts are remembered; of more, the oldest are forgotten, and may be written twice.
    static let maximumDoubtCount = 65_536

    private struct State {
        var last: [String: RedisEntryID] = [:]
        var doubts: [Doubt: [RedisEntryID]] = [:]
        var order = RedisQueue<Doubt>()
    }

    private let state = Mutex(State())
    private let nowMilliseconds: @Sendable () -> UInt64

    /// Ids by the given clock.
    init(nowMilliseconds: @escaping @Sendable () -> UInt64 = RedisEntryIDs.clock) {
        self.nowMilliseconds = nowMilliseconds
    }

    /// The id for an event: the one it had when it is in doubt, else the next.
    func choose(forEvent event: @autoclosure () -> [UInt8], in streamKey: String) -> RedisEntryID {
        state.withLock { state in
            if !state.doubts.isEmpty {
                let doubt = Doubt(streamKey: streamKey, event: event())
                if var ids = state.doubts[doubt] {
                    let id = ids.removeFirst()
                    state.doubts[doubt] = ids.isEmpty ? nil : ids
                    return id
                }
            }
            return next(in: streamKey, &state)
        }
    }

    /// The next id of a stream.
    func next(in streamKey: String) -> RedisEntryID {
        state.withLock { next(in: streamKey, &$0) }
    }

    private func next(in streamKey: String, _ state: inout State) -> RedisEntryID {
        let last = state.last[streamKey] ?? RedisEntryID(milliseconds: 0, sequence: 0)
        let id = last.next(nowMilliseconds: nowMilliseconds())
        state.last[streamKey] = id
        return id
    }

    /// The stream holds this id: the next ones are greater.
    func raise(_ streamKey: String, to id: RedisEntryID) {
        state.withLock { state in
            if state.last[streamKey].map({ $0 < id }) ?? true { state.last[streamKey] = id }
        }
    }

    /// Nobody knows whether the event is written under that id.
    func doubt(_ id: RedisEntryID, ofEvent event: [UInt8], in streamKey: String) {
        state.withLock { state in
            let doubt = Doubt(streamKey: streamKey, event: event)
            state.doubts[doubt, default: []].append(id)
            state.order.append(doubt)
            if state.order.count > Self.maximumDoubtCount, let oldest = state.order.popFirst() {
                state.doubts[oldest] = nil
            }
        }
    }

    /// How many events are in doubt.
    var doubtCount: Int { state.withLock { $0.doubts.count } }

    @Sendable static func clock() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(max(0, now.tv_sec)) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }
}
