/// How long to wait before the next attempt to connect: "full jitter", a random part of a limit that doubles.
struct RedisBackOff: Sendable {
    /// The limit of the first wait.
    var initial: Duration = .milliseconds(50)
    /// The highest limit.
    var maximum: Duration = .seconds(2)

    private(set) var attempts = 0

    /// The next wait.
    ///
    /// `jitter` is a random number of 0..<1.
    mutating func next(jitter: Double) -> Duration {
        let limit = min(maximum, initial * (1 << min(attempts, 20)))
        attempts += 1
        return limit * jitter
    }

    /// Lets the next wait be as long as after that many failed attempts.
    mutating func begin(at attempts: Int) {
        self.attempts = max(self.attempts, attempts)
    }

    /// The connection proved good: begin with short waits again.
    mutating func reset() {
        attempts = 0
    }
}
