import NIOCore

/// Whether a client takes what is sent to it.
struct HTTPWriteProgress {
    /// All bytes that were handed to the channel.
    var writtenByteCount = 0
    private var sentByteCount = 0
    private var lastProgress: NIODeadline?

    var mayBePending: Bool { self.writtenByteCount != self.sentByteCount }

    /// Whether the client has taken nothing for too long, although so many bytes wait for it.
    mutating func isStalled(pendingByteCount: Int, timeoutMilliseconds: Int, now: NIODeadline) -> Bool {
        let sentByteCount = self.writtenByteCount - pendingByteCount
        guard let lastProgress = self.lastProgress, sentByteCount == self.sentByteCount, pendingByteCount > 0 else {
            self.sentByteCount = sentByteCount
            self.lastProgress = now
            return false
        }
        return now - lastProgress >= .milliseconds(Int64(timeoutMilliseconds))
    }
}
