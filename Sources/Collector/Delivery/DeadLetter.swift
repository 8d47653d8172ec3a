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

    var count: Int { letters.count }

    /// Adds a letter; returns how many of the oldest had to go.
    mutating func append(_ letter: DeadLetter, maximumCount: Int) -> Int {
        letters.append(letter)
        let excess = max(0, letters.count - maximumCount)
        letters.removeFirst(excess)
        return excess
    }
}
