import Logging
import Synchronization

/// Delivering once more what somebody asks for: events that are still in the queue, and dead letters.
///
/// A replay is two cursors, where it is and where it ends, so that it outlives the process.
extension QueueReader {
    var replayCursor: String { QueueCursorName.replay(to: destination).position }
    var replayEnd: String { QueueCursorName.replay(to: destination).end }

    /// Begins a replay; false if one is under way.
    func replay(_ feed: QueueFeed, from start: UInt64, to end: UInt64) -> Bool {
        let stream = state.withLock { state -> EventQueueStream? in
            guard state.worker != nil, state[feed].progress.taken >= state[feed].tail, state[feed].isSaved,
                !state[feed].isGivingUp
            else { return nil }
            let stream = state[feed].stream
            let ordinal = state[feed].progress.nextOrdinal
            state[feed] = QueueFeedState(stream: stream, cursor: replayCursor, from: start, tail: end, ordinal: ordinal)
            state.worker?.widenWindow(feed, behind: ordinal)
            return stream
        }
        guard let stream else { return false }
        queue.setCursor(replayEnd, in: stream, to: end, passing: 0, isUrgent: true) { _ in }
        queue.setCursor(replayCursor, in: stream, to: start, passing: 0, isUrgent: true) { _ in }
        wake()
        return true
    }

    /// Forgets a replay that has come to its end.
    func endReplay(_ feed: QueueFeed) {
        guard feed == .replay || feed == .deadLetters else { return }
        let stream = state.withLock { state -> EventQueueStream? in
            state[feed].isSaved && state[feed].saved >= state[feed].tail ? state[feed].stream : nil
        }
        guard let stream else { return }
        queue.removeCursor(replayCursor, in: stream)
        queue.removeCursor(replayEnd, in: stream)
        logger.notice("what was asked for was delivered once more", metadata: ["feed": "\(feed)"])
    }
}
