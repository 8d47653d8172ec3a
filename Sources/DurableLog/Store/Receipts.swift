/// What came of a creation.
public struct CreateReceipt: Hashable, Sendable {
    /// Whether the stream is new; otherwise it was there, created as the same.
    public var isNew: Bool
    /// The media type, as stored.
    public var contentType: String
    /// Where the stream ends.
    public var tail: StreamOffset
    /// Whether it is closed.
    public var isClosed: Bool
}

/// A message that was left out, for its key is in the stream already.
public struct DuplicateMessage: Hashable, Sendable {
    /// Which message of the append, from 0.
    public var index: Int
    /// The end of the message that is there.
    public var end: StreamOffset
}

/// What came of an append.
public struct AppendReceipt: Hashable, Sendable {
    /// Where the stream ended before.
    public var start: StreamOffset
    /// Where the stream ends now; of a repetition, where it ends at present.
    public var tail: StreamOffset
    /// Whether this was a repetition of what had been appended, recognised by its producer; nothing was stored.
    public var isRepetition: Bool
    /// Whether the stream is closed now.
    public var isClosed: Bool
    /// The producer's epoch and its highest accepted sequence number, if there is one.
    public var producer: ProducerPosition?
    /// The messages that were left out because of their keys.
    public var duplicates: [DuplicateMessage]
}

/// How far a producer is.
public struct ProducerPosition: Hashable, Sendable {
    /// Its current epoch.
    public var epoch: UInt64
    /// The highest sequence number accepted in it.
    public var sequence: UInt64

    /// A position.
    public init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// A page of whole messages.
public struct StreamPage: Sendable {
    /// One message of a page.
    public struct Message: Hashable, Sendable {
        /// Where its bytes lie in the page's.
        public var range: Range<Int>
        /// The offset behind it.
        public var end: StreamOffset
        /// When it was appended, in milliseconds since 1970.
        public var appendedMilliseconds: UInt64
    }

    /// The messages' bytes, one after the other.
    public var bytes: [UInt8]
    /// The messages, in order.
    public var messages: [Message]
    /// Where to read on.
    public var next: StreamOffset
    /// Where the stream ended when the page was read.
    public var tail: StreamOffset
    /// Whether the stream is closed and the page reaches its end.
    public var isAtEnd: Bool
    /// What was found damaged, set aside and left out, as the offsets around it.
    public var damaged: [Range<StreamOffset>]

    /// Whether the page reaches the tail.
    public var isUpToDate: Bool { next >= tail }

    /// The bytes of one message.
    public func bytes(of message: Message) -> ArraySlice<UInt8> { bytes[message.range] }
}

/// What a stream is.
public struct StreamStatus: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// The media type, as stored.
    public var contentType: String
    /// Whether an append is a list of messages.
    public var isMessageList: Bool
    /// When it ends by itself.
    public var expiry: StreamExpiry
    /// How much is kept.
    public var retention: RetentionPolicy
    /// The first offset that can be read from.
    public var earliest: StreamOffset
    /// Where it ends.
    public var tail: StreamOffset
    /// Whether it is closed.
    public var isClosed: Bool
    /// Bytes of its own messages that are kept, without what it inherited.
    public var byteCount: UInt64
    /// Its own messages that are kept, without what it inherited.
    public var messageCount: UInt64
    /// When it was created, in milliseconds since 1970.
    public var createdMilliseconds: UInt64
    /// When something was last appended, in milliseconds since 1970.
    public var lastAppendMilliseconds: UInt64
    /// A number that tells it from a stream of the same name before or after it.
    public var identifier: UInt64
    /// How many streams were forked from it and are still there.
    public var forkCount: Int
    /// Its cursors.
    public var cursors: [String: StreamOffset]
}

/// What a wait ended with.
public enum WaitOutcome: Hashable, Sendable {
    /// There is something to read; the stream ends here.
    case data(tail: StreamOffset)
    /// The stream is closed, and there is nothing to read.
    case closed(tail: StreamOffset)
    /// The stream was deleted, or has expired.
    case deleted
    /// The wait was cancelled, or the store was closed.
    case cancelled
}

/// Names a wait, for cancelling it.
public struct WaitToken: Hashable, Sendable {
    let stream: UInt64
    let number: UInt64
}

/// What a whole store is.
public struct StoreStatistics: Hashable, Sendable {
    /// Streams that can be read or are kept for their forks.
    public var streamCount = 0
    /// Bytes of all segment files.
    public var segmentByteCount: UInt64 = 0
    /// Bytes of all commit-log files.
    public var commitLogByteCount: UInt64 = 0
    /// Bytes that count against the store's limit: files of segments and log, and what is to be copied to segments.
    public var usedByteCount: UInt64 = 0
    /// Bytes that wait to be written.
    public var queuedByteCount: UInt64 = 0
    /// Bytes kept in memory for readers.
    public var cachedByteCount: UInt64 = 0
    /// Groups written, each with one fdatasync.
    public var groupCount: UInt64 = 0
    /// Appends, creations and other changes written.
    public var frameCount: UInt64 = 0
    /// Time in fdatasync of the commit log.
    public var synchronizationNanoseconds: UInt64 = 0
    /// Checkpoints taken since the start.
    public var checkpointCount: UInt64 = 0
    /// Damaged places found and set aside since the start.
    public var damageCount: UInt64 = 0
    /// Why nothing is acknowledged any more; `nil` while all is well.
    public var fence: String?
    /// Whether the last change was refused because the disk, or the store's limit, was full.
    public var isFull = false

    /// Statistics of nothing.
    public init() {}
}
