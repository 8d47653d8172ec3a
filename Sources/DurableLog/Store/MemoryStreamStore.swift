/// Durable streams without the durability: the same rules, in memory. For tests, and for what may be forgotten.
public final class MemoryStreamStore: LocalStreamStore, @unchecked Sendable {
    /// An empty store. Of the limits, those on files mean nothing to it.
    public init(limits: StoreLimits = StoreLimits(), clock: StoreClock = .system) {
        super.init(
            StoreEngine(
                StoreCore(
                    limits: limits,
                    position: 0,
                    logFile: LogFileRange(base: 0, byteCount: .max, previousEnd: 0),
                    groupNumber: 1
                ),
                clock: clock
            )
        )
    }
}
