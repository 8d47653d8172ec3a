import Glibc

/// What time it is, for expiry, retention and key windows.
public struct StoreClock: Sendable {
    /// Milliseconds since 1970; it may jump.
    public var wallMilliseconds: @Sendable () -> UInt64
    /// Milliseconds since some moment; it never jumps. Idle times are measured by it.
    public var monotonicMilliseconds: @Sendable () -> UInt64

    /// A clock of two readings.
    public init(
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        monotonicMilliseconds: @escaping @Sendable () -> UInt64
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.monotonicMilliseconds = monotonicMilliseconds
    }

    /// The system's clocks.
    public static let system = StoreClock(
        wallMilliseconds: { milliseconds(CLOCK_REALTIME) },
        monotonicMilliseconds: { milliseconds(CLOCK_MONOTONIC) }
    )

    private static func milliseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(time.tv_nsec / 1_000_000)
    }

    /// The clock that does not jump begins late enough for accesses before the machine was started.
    func now() -> StoreTime { StoreTime(wall: wallMilliseconds(), monotonic: monotonicMilliseconds() + (1 << 42)) }
}

/// One reading of both clocks.
struct StoreTime: Sendable {
    var wall: UInt64
    var monotonic: UInt64
}
