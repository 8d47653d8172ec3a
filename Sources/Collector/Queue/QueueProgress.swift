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
        /// Whether it becomes a dead letter, whatever the destination makes of it.
        var isGivenUp = false
    }

    private var records = Deque<Open>()
    /// The ordinal of the first of `records`.
    private var firstOrdinal: UInt64 = 0
    /// The position up to which everything is settled.
    private(set) var settled: UInt64
    /// The position up to which records were taken.
    private(set) var taken: UInt64

    /// Nothing was taken yet. Of a stream that is gone through once more, ordinals go on: what was under way the last time
    /// is not mistaken for something new.
    init(from position: UInt64, ordinal: UInt64 = 0) {
        settled = position
        taken = position
        firstOrdinal = ordinal
    }

    /// The ordinal of the record that is taken next.
    var nextOrdinal: UInt64 { firstOrdinal + UInt64(records.count) }

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

    /// Whether something is still to be decided about a record.
    func isOpen(_ ordinal: UInt64) -> Bool {
        index(of: ordinal).map { records[$0].openCount > 0 && !records[$0].isGivenUp } ?? false
    }

    // MARK: Giving up

    /// The oldest records that are given up together.
    struct GivenUp {
        /// Which of the records that were read are not settled.
        var indices: [Int] = []
        /// The ordinal behind the last of them.
        var end: UInt64
    }

    /// Marks the oldest records as given up: of those that were read, from the cursor on, the first that are not
    /// settled. Those that were not taken yet are taken as one. The cursor passes them with `finishGivingUp`.
    ///
    /// `isKept` says whether a record is being kept elsewhere: neither it nor what lies behind it is given up.
    mutating func beginGivingUp(_ ends: [UInt64], maximumCount: Int, isKept: (_ ordinal: UInt64) -> Bool) -> GivenUp {
        var givenUp = GivenUp(end: firstOrdinal)
        var place = 0
        var untaken: UInt64?
        for (index, end) in ends.enumerated() where end > settled && givenUp.indices.count < maximumCount {
            if end > taken {
                untaken = end
                givenUp.indices.append(index)
                continue
            }
            while place < records.count, records[place].end < end { place += 1 }
            let ordinal = firstOrdinal + UInt64(place)
            if place == records.count || isKept(ordinal) { break }
            if records[place].openCount > 0 {
                records[place].isGivenUp = true
                givenUp.indices.append(index)
            }
            givenUp.end = ordinal + 1
        }
        if let untaken {
            records.append(Open(end: untaken, openCount: 1, isGivenUp: true))
            taken = untaken
            givenUp.end = nextOrdinal
        }
        return givenUp
    }

    /// Moves the cursor over what was given up: it is on stable storage elsewhere.
    mutating func finishGivingUp(before ordinal: UInt64) {
        for index in records.indices.prefix(Int(clamping: ordinal - min(ordinal, firstOrdinal)))
        where records[index].isGivenUp { records[index].openCount = 0 }
        advance()
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
