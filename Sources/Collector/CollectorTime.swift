/// Where the collector takes the time from, and how it waits. Tests put a clock of their own in its place.
public struct CollectorTime: Sendable {
    /// Milliseconds since 1970, for timestamps only.
    public let nowMilliseconds: @Sendable () -> Int
    /// Milliseconds of a clock that never goes back, for durations.
    public let monotonicMilliseconds: @Sendable () -> Int
    /// Waits that long; throws when cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// A source of time made of three functions.
    public init(
        nowMilliseconds: @escaping @Sendable () -> Int,
        monotonicMilliseconds: @escaping @Sendable () -> Int,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.nowMilliseconds = nowMilliseconds
        self.monotonicMilliseconds = monotonicMilliseconds
        self.sleep = sleep
    }

    /// The machine's clocks.
    public static let system = CollectorTime(
        nowMilliseconds: SystemClock.nowMilliseconds,
        monotonicMilliseconds: SystemClock.monotonicMilliseconds,
        sleep: { try await Task.sleep(for: $0, clock: .continuous) }
    )
}
