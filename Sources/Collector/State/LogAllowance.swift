/// How many lines of a kind that strangers can cause are logged: ten a second, and then how many were not.
struct LogAllowance {
    private static let maximumCount = 10
    private var secondStart: Int?
    private var count = 0
    private var omittedCount = 0

    /// Whether a line may be logged now, and how many were not since the last; nil if it may not.
    mutating func take(nowMilliseconds now: Int) -> Int? {
        if secondStart.map({ now - $0 >= 1000 || now < $0 }) ?? true {
            secondStart = now
            count = 0
        }
        guard count < Self.maximumCount else {
            omittedCount += 1
            return nil
        }
        count += 1
        return exchange(&omittedCount, with: 0)
    }
}
