/// When a stream ends by itself.
public enum StreamExpiry: Hashable, Sendable {
    /// Never.
    case never
    /// When it was neither read nor written for so many seconds.
    case afterIdle(seconds: UInt64)
    /// At a moment, in milliseconds since 1970.
    case at(milliseconds: UInt64)
}

/// What cursors have to say about what may be released.
public enum CursorRetention: UInt8, Hashable, Sendable {
    /// Nothing: limits release what they release, read or not.
    case ignored = 0
    /// What a cursor has not passed is kept, whatever the limits say.
    case keepsUnread = 1
    /// As `keepsUnread`, and what every cursor passed is released at once, without a limit.
    case releasesRead = 2
}

/// How much of a stream is kept. Released is from the front, in whole segments (about an eighth of a limit at a time).
public struct RetentionPolicy: Hashable, Sendable {
    /// Everything is kept.
    public static let everything = RetentionPolicy()

    /// Messages older than this are released.
    public var maximumAgeMilliseconds: UInt64?
    /// When a stream holds more bytes of messages, its oldest are released.
    public var maximumByteCount: UInt64?
    /// When a stream holds more messages, its oldest are released.
    public var maximumMessageCount: UInt64?
    /// What cursors have to say.
    public var cursors: CursorRetention

    /// A policy; without a limit, everything is kept.
    public init(
        maximumAgeMilliseconds: UInt64? = nil,
        maximumByteCount: UInt64? = nil,
        maximumMessageCount: UInt64? = nil,
        cursors: CursorRetention = .ignored
    ) {
        self.maximumAgeMilliseconds = maximumAgeMilliseconds
        self.maximumByteCount = maximumByteCount
        self.maximumMessageCount = maximumMessageCount
        self.cursors = cursors
    }

    var keepsEverything: Bool { self == .everything || self == RetentionPolicy(cursors: .keepsUnread) }
}

/// Where a new stream takes its beginning from.
public struct ForkOrigin: Hashable, Sendable {
    /// The stream that is forked.
    public var source: String
    /// What is inherited ends here; `nil`: the source's tail.
    public var offset: StreamOffset?
    /// So many bytes (of the message that begins at the offset), or messages in a stream of message lists, are copied
    /// behind it.
    public var subOffset: UInt64

    /// An origin.
    public init(source: String, offset: StreamOffset? = nil, subOffset: UInt64 = 0) {
        self.source = source
        self.offset = offset
        self.subOffset = subOffset
    }
}

/// What a stream is created as.
public struct CreateOptions: Hashable, Sendable {
    /// The media type; `nil`: the origin's, or `application/octet-stream`.
    public var contentType: String?
    /// Whether an append is a list of messages (JSON mode); `nil`: the origin's, or no.
    public var isMessageList: Bool?
    /// When it ends by itself; `nil`: as the origin, or never.
    public var expiry: StreamExpiry?
    /// Whether it is closed at once, after its initial messages.
    public var isClosed: Bool
    /// Where it begins.
    public var origin: ForkOrigin?
    /// How much is kept. It is no part of what makes two creations the same.
    public var retention: RetentionPolicy
    /// The byte counts of the initial messages, in order; empty: the bytes are one message, or none when there are none.
    public var messageByteCounts: [Int]

    /// Options of a new stream.
    public init(
        contentType: String? = nil,
        isMessageList: Bool? = nil,
        expiry: StreamExpiry? = nil,
        isClosed: Bool = false,
        origin: ForkOrigin? = nil,
        retention: RetentionPolicy = .everything,
        messageByteCounts: [Int] = []
    ) {
        self.contentType = contentType
        self.isMessageList = isMessageList
        self.expiry = expiry
        self.isClosed = isClosed
        self.origin = origin
        self.retention = retention
        self.messageByteCounts = messageByteCounts
    }
}
