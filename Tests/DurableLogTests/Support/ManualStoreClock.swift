import DurableLog
import Synchronization

/// Both clocks, moved by hand.
final class ManualStoreClock: Sendable {
    private let wall = Mutex<UInt64>(1_700_000_000_000)
    private let monotonic = Mutex<UInt64>(50_000)

    var clock: StoreClock {
        StoreClock(
            wallMilliseconds: { self.wall.withLock { $0 } },
            monotonicMilliseconds: { self.monotonic.withLock { $0 } }
        )
    }

    var wallMilliseconds: UInt64 { wall.withLock { $0 } }

    func advance(milliseconds: UInt64) {
        wall.withLock { $0 += milliseconds }
        monotonic.withLock { $0 += milliseconds }
    }

    /// The wall clock jumps; no time passes.
    func jump(milliseconds: Int64) {
        wall.withLock { $0 = UInt64(Int64($0) + milliseconds) }
    }
}
