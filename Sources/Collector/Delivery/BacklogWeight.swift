/// About how many bytes the events of a backlog take, from their number and the sizes of those that came last.
///
/// A lane counts its events in many places and sees their sizes in one. The mean forgets what came long before, so that
/// a backlog of large events behind many small ones is not taken for a small one.
struct BacklogWeight {
    private var byteCount = 0
    private var eventCount = 0

    /// Notes an event that comes to a backlog of that many.
    mutating func add(byteCount size: Int, waitingCount: Int) {
        byteCount += size
        eventCount += 1
        if eventCount > waitingCount + 1000 {
            byteCount /= 2
            eventCount /= 2
        }
    }

    /// The bytes of that many events.
    func byteCount(ofEvents count: Int) -> Int {
        guard eventCount > 0 else { return 0 }
        return Int(Double(byteCount) / Double(eventCount) * Double(count))
    }
}
