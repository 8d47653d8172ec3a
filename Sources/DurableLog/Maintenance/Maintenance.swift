import Synchronization

/// The thread for everything that is not urgent: copying to segments, checkpoints, retention, expiry.
final class Maintenance: Sendable {
    private struct State {
        var requests: [@Sendable (Result<Void, StreamStoreError>) -> Void] = []
        var isStopping = false
        /// Whether the end is a checkpoint, or nothing.
        var endsWithCheckpoint = true
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()
    private let ended = ThreadSignal()
    private let engine: StoreEngine
    private let report: @Sendable (String) -> Void

    init(_ engine: StoreEngine, report: @escaping @Sendable (String) -> Void) {
        self.engine = engine
        self.report = report
    }

    func start(_ checkpointer: sending Checkpointer, removingOrphans: Bool) {
        let once = Mutex<Checkpointer?>(checkpointer)
        StoreThread.start("log maintenance") {
            guard let checkpointer = once.withLock({ $0 }) else { return }
            if removingOrphans { checkpointer.removeOrphans() }
            self.run(checkpointer)
        }
    }

    /// There is something to copy.
    func wake() { signal.raise() }

    /// Does everything now.
    func request(_ completion: @escaping @Sendable (Result<Void, StreamStoreError>) -> Void) {
        let accepted = state.withLock { state in
            guard !state.isStopping else { return false }
            state.requests.append(completion)
            return true
        }
        if accepted { signal.raise() } else { completion(.failure(.storeClosed)) }
    }

    /// Ends the thread, after a last checkpoint or without.
    func stop(withCheckpoint: Bool) {
        state.withLock { state in
            state.isStopping = true
            state.endsWithCheckpoint = withCheckpoint
        }
        signal.raise()
        ended.wait()
    }

    private func run(_ checkpointer: Checkpointer) {
        var checkpointer = checkpointer
        let limits = engine.core.withLock { $0.limits }
        var lastCheckpoint = engine.clock.now().monotonic
        var lastPlan = lastCheckpoint
        var lastFailure: String?
        // Whether so much came while the last was copied that nobody would say so again.
        var isBehind = false
        while true {
            if !isBehind { signal.wait(milliseconds: max(1, limits.maintenanceIntervalMilliseconds)) }
            let (requests, isStopping, endsWithCheckpoint) = state.withLock { state in
                let requests = state.requests
                state.requests = []
                return (requests, state.isStopping, state.endsWithCheckpoint)
            }
            let time = engine.clock.now()
            if isStopping, !endsWithCheckpoint {
                for request in requests { request(.failure(.storeClosed)) }
                break
            }
            let isForced = isStopping || !requests.isEmpty
            let isPlanDue =
                time.monotonic - min(time.monotonic, lastPlan) >= UInt64(limits.maintenanceIntervalMilliseconds)
            if !isStopping, isForced || isPlanDue || !isBehind {
                plan(time, waits: isForced)
                lastPlan = time.monotonic
            }
            let (uncopied, durable, hasChanges, fence) = engine.core.withLock { core in
                (core.uncopiedByteCount, core.durablePosition, core.hasUnnotedChanges, core.fence)
            }
            var failure: StreamStoreError? = fence
            if fence == nil {
                let isDue =
                    durable - min(durable, checkpointer.position) >= UInt64(limits.checkpointByteCount)
                    || time.monotonic - min(time.monotonic, lastCheckpoint)
                        >= UInt64(limits.checkpointIntervalMilliseconds)
                do throws(CheckpointFailure) {
                    if hasChanges, isForced || isDue {
                        try checkpointer.checkpoint()
                        lastCheckpoint = time.monotonic
                    } else if uncopied >= limits.copyByteCount {
                        try checkpointer.copy()
                    }
                    lastFailure = nil
                } catch {
                    failure = handle(error)
                    if lastFailure != error.description { report(error.description) }
                    lastFailure = error.description
                }
            }
            for request in requests { request(failure.map { .failure($0) } ?? .success(())) }
            if isStopping { break }
            isBehind =
                failure == nil && engine.core.withLock { $0.uncopiedByteCount >= $0.limits.copyByteCount }
        }
        ended.raise()
    }

    /// Enqueues what expiry and retention ask for, and has lazily written cursors written.
    private func plan(_ time: StoreTime, waits: Bool) {
        let written = ThreadSignal()
        let (isBehind, sleeps) = engine.core.withLock { core in
            core.deleteExpired(time)
            core.applyRetention(time)
            let isBehind = core.isBehind
            if waits, isBehind { core.openGroup.completions.append(.change { _ in written.raise() }) }
            let sleeps = core.flusherSleeps && isBehind
            if sleeps { core.flusherSleeps = false }
            return (isBehind, sleeps)
        }
        if sleeps { engine.flusherSignal?.raise() }
        if waits, isBehind { written.wait() }
    }

    private func handle(_ failure: CheckpointFailure) -> StreamStoreError {
        if failure.isFull { return .full(failure.description) }
        // What is in the log stays there; but nobody can say any more what the disk does.
        let error = StreamStoreError.fenced(failure.description)
        engine.core.withLock { core in
            core.fence = core.fence ?? error
            core.statistics.fence = core.fence?.description
        }
        return error
    }
}

extension StoreCore {
    /// Whether a checkpoint would note anything.
    var hasUnnotedChanges: Bool {
        !changedSlots.isEmpty || !removedStreams.isEmpty || !releasedSegments.isEmpty || !uncopiedGroups.isEmpty
            || !keys.unnoted.isEmpty
    }
}
