/// An event that a destination could not deliver, with the reason.
public struct DeadLetter: Sendable {
    /// The event as it was to be delivered.
    public let event: Event
    /// Why it was not.
    public let reason: String
    /// How often it was tried.
    public let attemptCount: Int
}

/// A destination's dead letters, oldest first, in memory.
struct DeadLetterQueue {
    private(set) var letters: [DeadLetter] = []
    private var byteCount = 0

    /// Senders choose how large events are, so their bytes are bounded as well.
    private static let maximumByteCount = 64 << 20

    var count: Int { letters.count }

    /// Adds a letter; returns how many of the oldest had to go.
    mutating func append(_ letter: DeadLetter, maximumCount: Int) -> Int {
        letters.append(letter)
        byteCount += letter.event.byteCount
        var excess = 0
        while letters.count - excess > maximumCount
            || (byteCount > Self.maximumByteCount && letters.count - excess > 1)
        {
            byteCount -= letters[excess].event.byteCount
            excess += 1
        }
        letters.removeFirst(excess)
        return excess
    }
}
