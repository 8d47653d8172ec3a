import Glibc
import Synchronization

/// The thread that writes groups: one write, one fdatasync, then whoever waits is called. What arrives meanwhile is the
/// next group; nothing is waited for.
final class Flusher: Sendable {
    private let engine: StoreEngine
    private let log: CommitLog
    private let signal: ThreadSignal
    /// How long a group waits at most, when segments are far behind the log: senders are slowed down before any is
    /// refused.
    private static let pauseMilliseconds = 20
    /// Called when much has become durable that is not in segments.
    private let onMuchUncopied: @Sendable () -> Void
    private let isStopping = Atomic(false)
    private let ended = ThreadSignal()

    init(
        _ engine: StoreEngine,
        _ log: CommitLog,
        _ signal: ThreadSignal,
        onMuchUncopied: @escaping @Sendable () -> Void
    ) {
        self.engine = engine
        self.log = log
        self.signal = signal
        self.onMuchUncopied = onMuchUncopied
    }

    func start() { StoreThread.start("log flusher") { self.run() } }

    /// Writes what waits, and ends.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        signal.raise()
        ended.wait()
    }

    private func run() {
        while true {
            let (group, isFarAhead) = engine.core.withLock { core -> (FrameGroup?, Bool) in
                let group = core.takeGroup()
                core.flusherSleeps = group == nil
                core.flusherPaces = group != nil && core.uncopiedByteCount > core.limits.maximumUncopiedByteCount / 2
                return (group, core.flusherPaces)
            }
            if let group {
                if isFarAhead { engine.copiedSignal.wait(milliseconds: Self.pauseMilliseconds) }
                write(group)
            } else if isStopping.load(ordering: .acquiring) {
                break
            } else {
                signal.wait()
            }
        }
        ended.raise()
    }

    private func write(_ group: FrameGroup) {
        let began = Self.nanoseconds()
        var failure: StreamStoreError?
        do {
            try log.write(group)
        } catch {
            failure = error.asStoreError
        }
        let time = engine.clock.now()
        let elapsed = Self.nanoseconds() - began
        let logByteCount = group.newFile == nil ? nil : log.byteCount
        let range = failure == nil ? nil : log.currentRange
        let (callbacks, isMuch) = engine.core.withLock { core -> (StoreCallbacks, Bool) in
            if group.buffer.count > 0 {
                core.statistics.groupCount += 1
                core.statistics.synchronizationNanoseconds += elapsed
            }
            if let logByteCount { core.statistics.commitLogByteCount = logByteCount }
            if let failure {
                return (core.refuse(group, failure, logFile: range ?? core.logFile), false)
            }
            let before = core.uncopiedByteCount
            let callbacks = core.publish(group, time, keepsUncopied: true)
            let limit = core.limits.copyByteCount
            return (callbacks, before < limit && core.uncopiedByteCount >= limit)
        }
        if isMuch { onMuchUncopied() }
        callbacks.run()
    }

    private static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
