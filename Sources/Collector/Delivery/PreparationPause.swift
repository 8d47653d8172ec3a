/// When a destination that was not ready is asked again: at first with the next event, then after pauses that double.
struct PreparationPause {
    private var failureCount = 0
    /// Whether a timer is under way that ends the pause.
    private var hasTimer = false

    private static let firstMilliseconds = 1000
    private static let longestMilliseconds = 30_000

    /// Notes that the destination was not ready; the pause to make, or nil if one is under way already.
    mutating func noteFailure() -> Int? {
        failureCount += 1
        if exchange(&hasTimer, with: true) { return nil }
        var ceiling = Self.firstMilliseconds
        for _ in 1..<failureCount where ceiling < Self.longestMilliseconds { ceiling *= 2 }
        ceiling = min(ceiling, Self.longestMilliseconds)
        return Int.random(in: ceiling / 2...ceiling)
    }

    /// Whether events do not cause an attempt before the pause is over.
    var isBinding: Bool { failureCount > 1 && hasTimer }

    /// Notes that the destination is ready.
    mutating func noteSuccess() {
        failureCount = 0
    }

    /// Notes the end of the pause.
    mutating func end() {
        hasTimer = false
    }
}
