public import Collector
public import DurableLog

/// What tools do with a log.
extension EventLog {
    /// Notes that a destination is to get what lies in that range once more: its collector begins with it when it
    /// starts. The range is cut to what is kept.
    ///
    /// - Throws: `ReplayError` if there is no such destination, nothing is there or a replay is noted already; `StreamStoreError` if it cannot be noted.
    public func requestReplay(
        of stream: EventQueueStream,
        _ range: Range<UInt64>,
        to destination: String
    ) async throws {
        guard destinations.contains(destination) else { throw ReplayError.unknownDestination(destination) }
        let bounds = bounds(of: stream)
        let cut = range.clamped(to: bounds.earliest..<max(bounds.earliest, bounds.tail))
        guard !cut.isEmpty else { throw ReplayError.nothing }
        let cursors = QueueCursorName.replay(to: destination)
        guard cursor(cursors.position, in: stream) == nil else { throw ReplayError.underWay }
        for (name, position) in [(cursors.end, cut.upperBound), (cursors.position, cut.lowerBound)] {
            let result = await withCheckedContinuation { continuation in
                store.setCursor(
                    name,
                    of: Self.name(of: stream),
                    to: StreamOffset(position: position),
                    isUrgent: true
                ) { continuation.resume(returning: $0) }
            }
            try result.get()
        }
    }

    /// The destinations for which events are kept.
    public var destinations: [String] {
        guard case .success(let status) = store.status(of: Self.name(of: .events)) else { return [] }
        let prefix = QueueCursorName.destination("")
        return status.cursors.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    /// Keeps events no longer for a destination that is gone. Its dead letters stay.
    public func forget(_ destination: String) {
        removeCursor(QueueCursorName.destination(destination), in: .events)
        let replay = QueueCursorName.replay(to: destination)
        for name in [replay.position, replay.end] { removeCursor(name, in: .events) }
    }

    /// Forgets a destination's dead letters up to a position.
    public func dropDeadLetters(before position: UInt64, of destination: String) async throws(StreamStoreError) {
        let stream = EventQueueStream.deadLetters(destination: destination)
        let bounds = bounds(of: stream)
        let end = min(position, bounds.tail)
        guard bounds.isPresent, end > bounds.earliest else { return }
        let count = try await count(in: stream, from: bounds.earliest, to: end)
        let result = await withCheckedContinuation { continuation in
            store.trim(Self.name(of: stream), before: StreamOffset(position: end), messageCount: count) {
                continuation.resume(returning: $0)
            }
        }
        try result.get()
    }

    private func count(in stream: EventQueueStream, from start: UInt64, to end: UInt64)
        async throws(StreamStoreError) -> UInt64
    {
        var position = start
        var count: UInt64 = 0
        while position < end {
            let page = try await store.read(Self.name(of: stream), from: StreamOffset(position: position))
            count += UInt64(page.messages.count { $0.end.position <= end })
            guard page.next.position > position else { break }
            position = page.next.position
        }
        return count
    }
}
