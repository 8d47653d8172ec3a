import DequeModule

/// What a stream's policy releases: a value, decided from its pieces.
struct RetentionPlan {
    struct Piece: Equatable {
        var end: UInt64
        var byteCount: UInt64
        var messageCount: UInt64
        /// The stream's own messages up to its end.
        var messagesUpToEnd: UInt64
        var lastMilliseconds: UInt64
    }

    struct Trim: Equatable {
        var position: UInt64
        var messageCount: UInt64
    }

    let policy: RetentionPolicy
    let pieces: [Piece]
    /// The slowest cursor; `nil` without cursors.
    let slowestCursor: UInt64?

    init(policy: RetentionPolicy, pieces: [Piece], slowestCursor: UInt64?) {
        self.policy = policy
        self.pieces = pieces
        self.slowestCursor = slowestCursor
    }

    /// The cursors are those that were accepted: the trim comes behind them in the log.
    init(_ state: StreamState, _ runtime: StreamRuntime, cursors: [String: UInt64]) {
        policy = state.retention
        slowestCursor = cursors.values.min()
        var pieces: [Piece] = []
        var copied = state.definition.base
        for segment in runtime.segments {
            copied = segment.end
            guard segment.end > state.earliest else { continue }
            let span = segment.end - max(segment.base, state.earliest)
            pieces.append(
                Piece(
                    end: segment.end,
                    byteCount: span - min(span, segment.messageCount),
                    messageCount: segment.messageCount,
                    messagesUpToEnd: segment.messagesBefore + segment.messageCount,
                    lastMilliseconds: segment.lastMilliseconds
                )
            )
        }
        // Counted from the end: of what was released before, nothing is left to count.
        var messages = state.messageCount
        for frame in runtime.hot where frame.start >= copied { messages -= min(messages, UInt64(frame.messageCount)) }
        for frame in runtime.hot where frame.start >= copied {
            messages += UInt64(frame.messageCount)
            guard frame.end > state.earliest else { continue }
            pieces.append(
                Piece(
                    end: frame.end,
                    byteCount: frame.end - frame.start - UInt64(frame.messageCount),
                    messageCount: UInt64(frame.messageCount),
                    messagesUpToEnd: messages,
                    lastMilliseconds: frame.milliseconds
                )
            )
        }
        self.pieces = pieces
    }

    /// What is to be released now, if anything.
    func trim(at wall: UInt64) -> Trim? {
        var byteCount = pieces.reduce(0) { $0 + $1.byteCount }
        var messageCount = pieces.reduce(0) { $0 + $1.messageCount }
        var trim: Trim?
        for piece in pieces {
            let isUnread = slowestCursor.map { piece.end > $0 } ?? false
            if policy.cursors != .ignored, isUnread { break }
            let isOver =
                policy.maximumByteCount.map { byteCount > $0 } ?? false
                || policy.maximumMessageCount.map { messageCount > $0 } ?? false
                || policy.maximumAgeMilliseconds.map {
                    wall > piece.lastMilliseconds && wall - piece.lastMilliseconds > $0
                } ?? false
                || (policy.cursors == .releasesRead && slowestCursor != nil)
            guard isOver else { break }
            trim = Trim(position: piece.end, messageCount: piece.messagesUpToEnd)
            byteCount -= piece.byteCount
            messageCount -= piece.messageCount
        }
        return trim
    }
}
