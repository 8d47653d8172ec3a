/// How one destination stands in one of its streams.
struct QueueFeedState: Sendable {
    let stream: EventQueueStream
    /// The name of the cursor.
    let cursor: String
    var progress: QueueProgress
    /// The cursor on stable storage, and the ordinal of the first record behind it.
    private(set) var saved: UInt64
    private(set) var savedCount: UInt64
    /// Requests to save the cursor that are under way, and whether one of these is urgent.
    private var savingCount = 0
    /// Records before the cursor that was last asked for.
    private var requestedCount: UInt64
    private var isSavingAtOnce = false
    /// Whether records come as they are written; else they are read.
    var isFollowing = false
    var isReading = false
    /// Whether some are being given up because there is no room for them.
    var isGivingUp = false
    /// The ordinal before which records were given up.
    var givenUpOrdinal: UInt64 = 0
    /// Up to where there is something to take.
    var tail: UInt64

    /// Ordinals begin with `ordinal`.
    init(stream: EventQueueStream, cursor: String, from position: UInt64, tail: UInt64, ordinal: UInt64 = 0) {
        self.stream = stream
        self.cursor = cursor
        self.tail = tail
        progress = QueueProgress(from: position, ordinal: ordinal)
        saved = position
        savedCount = ordinal
        requestedCount = ordinal
    }

    /// Records that a destination may have unsettled before no more are read for it, or given to it as they are
    /// written: what they take of memory is bounded, and the queue has them all.
    static let maximumOpenCount = 8192

    /// Whether records are to be read now.
    var wantsReading: Bool {
        !isReading && !isFollowing && progress.taken < tail && progress.openCount <= Self.maximumOpenCount / 2
    }

    /// Whether the cursor stands where everything is settled.
    var isSaved: Bool { savingCount == 0 && progress.settled <= saved }

    /// Gives the position at which the cursor is to be saved now, and how many records that passes; nil if it stands there
    /// or is being saved.
    ///
    /// One that is being saved in its time may be overtaken by one that is urgent.
    mutating func beginSaving(isUrgent: Bool) -> (position: UInt64, passedCount: UInt64)? {
        guard progress.settled > saved, savingCount == 0 || isUrgent && !isSavingAtOnce else { return nil }
        savingCount += 1
        if isUrgent { isSavingAtOnce = true }
        let passedCount = progress.settledCount - requestedCount
        requestedCount = progress.settledCount
        return (progress.settled, passedCount)
    }

    /// Notes what became of the cursor; the ordinal of the first record behind it.
    mutating func endSaving(_ position: UInt64, count: UInt64, isUrgent: Bool, isSaved: Bool) -> UInt64 {
        savingCount -= 1
        if isUrgent { isSavingAtOnce = false }
        if isSaved {
            saved = max(saved, position)
            savedCount = max(savedCount, count)
        }
        return savedCount
    }
}
