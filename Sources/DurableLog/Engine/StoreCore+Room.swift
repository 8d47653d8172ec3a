/// Room: in memory for what waits, and on the disk under the store's limit.
extension StoreCore {
    /// Why there is no room for more.
    func roomRefusal(byteCount: Int, usesReserve: Bool) -> StreamStoreError? {
        if queuedByteCount + byteCount > limits.maximumQueuedByteCount, queuedByteCount > 0 { return .overloaded }
        if uncopiedByteCount > limits.maximumUncopiedByteCount { return .overloaded }
        guard let limit = limits.maximumStoreByteCount else { return nil }
        let allowed = limit - min(limit, usesReserve ? 0 : limits.reservedByteCount)
        let used = usedByteCount
        // It goes to a segment, too, and may need another file of the log.
        guard used + UInt64(byteCount) + nextLogFileByteCount(holding: byteCount) > allowed else { return nil }
        let reserve = usesReserve ? "" : " (the last \(limits.reservedByteCount) are reserved)"
        return .full(
            "the store's files take \(used) bytes of \(limit) allowed\(reserve); release streams or allow more"
        )
    }

    /// What counts against the limit: files of segments, released ones while they are there, and of the log, and what
    /// is still to be copied to segments.
    var usedByteCount: UInt64 {
        let released = releasedSegments.reduce(unlinkingByteCount) { $0 + $1.byteCount }
        let begun = sealedGroups.reduce(openGroup.newFile?.byteCount ?? 0) { $0 + ($1.newFile?.byteCount ?? 0) }
        return statistics.segmentByteCount + released + UInt64(uncopiedByteCount + queuedByteCount)
            + statistics.commitLogByteCount + begun
    }

    private func nextLogFileByteCount(holding byteCount: Int) -> UInt64 {
        // In memory there is one for all times.
        if logFile.byteCount == .max { return 0 }
        return UInt64(max(limits.commitLogFileByteCount, byteCount + 2 * CommitLogFile.headerByteCount))
    }
}
