/// How one destination stands in one of its streams.
struct QueueFeedState: Sendable {
    let stream: EventQueueStream
    /// The name of the cursor.
    let cursor: String
    var progress: QueueProgress
    /// The cursor on stable storage, and the ordinal of the first record behind it.
    private(set) var saved: UInt64
    private(set) var savedCount: UInt64 = 0
    private(set) var isSaving = false
    /// Whether records come as they are written; else they are read.
    var isFollowing = false
    var isReading = false
    /// Up to where there is something to take.
    var tail: UInt64

    init(stream: EventQueueStream, cursor: String, from position: UInt64, tail: UInt64) {
        self.stream = stream
        self.cursor = cursor
        self.tail = tail
        progress = QueueProgress(from: position)
        saved = position
    }

    /// Records that a destination may have unsettled before no more are read for it, or given to it as they are
    /// written: what they take of memory is bounded, and the queue has them all.
    static let maximumOpenCount = 8192

    /// Whether records are to be read now.
    var wantsReading: Bool {
        !isReading && !isFollowing && progress.taken < tail && progress.openCount <= Self.maximumOpenCount / 2
    }

    /// Gives the position at which the cursor is to be saved now; nil if it stands there or is being saved.
    mutating func beginSaving() -> UInt64? {
        guard !isSaving, progress.settled > saved else { return nil }
        isSaving = true
        return progress.settled
    }

    /// Notes what became of the cursor; the ordinal of the first record behind it.
    mutating func endSaving(_ position: UInt64, count: UInt64, isSaved: Bool) -> UInt64 {
        isSaving = false
        if isSaved {
            saved = position
            savedCount = count
        }
        return savedCount
    }
}
