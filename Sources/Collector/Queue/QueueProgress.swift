import DequeModule

/// How far a destination is in a stream: what it took, and up to where everything is settled.
///
/// Records are taken in order and settled in any. The cursor is where the first unsettled one begins: a crash repeats
/// what lies behind it.
struct QueueProgress: Sendable {
    private struct Open {
        var end: UInt64
        /// Outcomes that are still to come.
        var openCount: Int
    }

    private var records = Deque<Open>()
    /// The ordinal of the first of `records`.
    private var firstOrdinal: UInt64 = 0
    /// The position up to which everything is settled.
    private(set) var settled: UInt64
    /// The position up to which records were taken.
    private(set) var taken: UInt64

    init(from position: UInt64) {
        settled = position
        taken = position
    }

    /// Records that were taken and not settled, and those behind them.
    var openCount: Int { records.count }
    /// The number of records that lie before the cursor, of those that were taken.
    var settledCount: UInt64 { firstOrdinal }

    /// Takes the record that ends there; gives its ordinal.
    mutating func take(_ end: UInt64) -> UInt64 {
        records.append(Open(end: end, openCount: 1))
        taken = end
        return firstOrdinal + UInt64(records.count) - 1
    }

    /// Passes a record that is not for this destination.
    mutating func pass(_ end: UInt64) {
        records.append(Open(end: end, openCount: 0))
        taken = end
        if records.count == 1 { advance() }
    }

    /// Goes on behind what was released.
    mutating func skip(to position: UInt64) {
        guard position > taken else { return }
        if records.isEmpty { settled = position } else { records[records.count - 1].end = position }
        taken = position
    }

    /// Announces that many more outcomes of a record.
    mutating func expect(_ count: Int, at ordinal: UInt64) {
        guard let index = index(of: ordinal) else { return }
        records[index].openCount += count
    }

    /// Notes an outcome of a record; whether everything up to a later position is settled now.
    mutating func settle(_ ordinal: UInt64) -> Bool {
        guard let index = index(of: ordinal) else { return false }
        records[index].openCount -= 1
        guard index == 0, records[0].openCount == 0 else { return false }
        advance()
        return true
    }

    private func index(of ordinal: UInt64) -> Int? {
        guard ordinal >= firstOrdinal, ordinal - firstOrdinal < UInt64(records.count) else { return nil }
        return Int(ordinal - firstOrdinal)
    }

    /// Moves the cursor over what is settled.
    private mutating func advance() {
        while let first = records.first, first.openCount <= 0 {
            records.removeFirst()
            firstOrdinal += 1
            settled = first.end
        }
    }
}
