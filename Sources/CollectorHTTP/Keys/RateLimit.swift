/// A token bucket: so many events per second, and a burst of at most so many.
struct RateLimit {
    private let perSecond: Double
    private let burstCount: Double
    private var available: Double
    private var lastMilliseconds: Int?

    init(perSecond: Int, burstCount: Int) {
        self.perSecond = Double(perSecond)
        self.burstCount = Double(burstCount)
        available = Double(burstCount)
    }

    /// Takes room for that many events; the whole seconds to wait if there is not enough, and nothing is taken then.
    ///
    /// A clock that goes back gives nothing. More than a burst waits for a full bucket and leaves a debt.
    mutating func take(_ count: Int, nowMilliseconds: Int) -> Int? {
        let elapsed = max(0, nowMilliseconds - (lastMilliseconds ?? nowMilliseconds))
        available = min(burstCount, available + Double(elapsed) / 1000 * perSecond)
        lastMilliseconds = nowMilliseconds
        let wanted = min(Double(count), burstCount)
        guard available >= wanted else {
            return max(1, Int(((wanted - available) / perSecond).rounded(.up)))
        }
        available -= Double(count)
        return nil
    }
}
