extension StoreCore {
    /// Whether a stream has ended by itself, as requests are judged.
    func isExpired(pendingSlot slot: Int, _ time: StoreTime) -> Bool { isExpired(pending.streams[slot], slot, time) }

    /// The same, as readers see it.
    func isExpired(durableSlot slot: Int, _ time: StoreTime) -> Bool { isExpired(durable.streams[slot], slot, time) }

    /// Idle time is measured by the clock that does not jump.
    private func isExpired(_ state: StreamState?, _ slot: Int, _ time: StoreTime) -> Bool {
        guard let definition = state?.definition else { return true }
        switch definition.expiry {
        case .never: return false
        case .at(let milliseconds): return time.wall >= milliseconds
        case .afterIdle(let seconds):
            // Not durable yet: just created.
            guard let access = access(slot, definition.id) else { return seconds == 0 }
            let (window, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
            let idle = time.monotonic - min(access, time.monotonic)
            return !overflow && idle >= window
        }
    }

    private func access(_ slot: Int, _ stream: UInt64) -> UInt64? {
        guard runtimes.indices.contains(slot), let runtime = runtimes[slot], runtime.stream == stream else {
            return nil
        }
        return runtime.accessMonotonic
    }

    /// How much later than noted a stream may have been accessed: what is noted is coarse.
    static func accessGranularityMilliseconds(ofIdle seconds: UInt64) -> UInt64 {
        min(60_000, max(100, min(seconds, 600) * 100))
    }

    /// Counts an access, and notes it if the last that was noted is long ago.
    mutating func noteAccess(_ slot: Int, _ time: StoreTime) {
        guard let definition = durable.streams[slot]?.definition, case .afterIdle(let seconds) = definition.expiry
        else {
            return
        }
        runtimes[slot]?.accessMonotonic = time.monotonic
        guard let noted = pending.streams[slot], noted.definition.id == definition.id, !noted.isDeleted,
            fence == nil, !isClosed,
            time.wall >= noted.lastAccessMilliseconds + Self.accessGranularityMilliseconds(ofIdle: seconds)
        else { return }
        _ = enqueue(.touch(stream: definition.id, milliseconds: time.wall), slot: slot, .none, time)
    }

    /// Deletes what has expired, as if someone had asked for it.
    mutating func deleteExpired(_ time: StoreTime) {
        guard fence == nil, !isClosed else { return }
        for slot in pending.streams.indices {
            // Most streams never end; those are passed without a copy of their state.
            guard let definition = pending.streams[slot]?.definition, definition.expiry != .never,
                pending.streams[slot]?.isDeleted == false, isExpired(pendingSlot: slot, time)
            else { continue }
            _ = enqueue(.delete(stream: definition.id), slot: slot, .none, time)
        }
    }
}
