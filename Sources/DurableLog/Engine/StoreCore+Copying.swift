extension StoreCore {
    /// Notes what a copy came to; the stream may have been trimmed or deleted meanwhile.
    mutating func finish(_ copy: SegmentCopy, _ records: [SegmentRecord]) {
        guard let slot = durable.slots[copy.definition.id], runtimes[slot] != nil else {
            releasedSegments += records
            return
        }
        for record in records {
            statistics.segmentByteCount += record.byteCount
            if let at = runtimes[slot]?.segments.lastIndex(where: { $0.base == record.base }) {
                statistics.segmentByteCount -= min(
                    runtimes[slot]?.segments[at].byteCount ?? 0,
                    statistics.segmentByteCount
                )
                runtimes[slot]?.segments[at] = record
            } else if record.base >= runtimes[slot]?.segments.last?.end ?? 0 {
                // It may have been released while it was written to; with what was written, it is needed again.
                releasedSegments.removeAll { $0.key == record.key }
                runtimes[slot]?.segments.append(record)
            } else {
                // Released while it was written to.
                statistics.segmentByteCount -= min(record.byteCount, statistics.segmentByteCount)
                releasedSegments.append(record)
            }
        }
        runtimes[slot]?.copiedMessageCount = copy.messageCount
        release(slot)
    }
}
