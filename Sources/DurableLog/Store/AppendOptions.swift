/// What an idempotent producer says with each append.
public struct ProducerTuple: Hashable, Sendable {
    /// The largest epoch and sequence number that JavaScript counts exactly.
    public static let maximumNumber: UInt64 = 9_007_199_254_740_991

    /// Who it is.
    public var id: String
    /// Which of its lives; a higher one fences the lower ones off.
    public var epoch: UInt64
    /// Which of its requests, from 0 in every epoch.
    public var sequence: UInt64

    /// A tuple.
    public init(id: String, epoch: UInt64, sequence: UInt64) {
        self.id = id
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// Sixteen bytes that name a message, for leaving out what comes a second time.
public struct MessageKey: Hashable, Sendable {
    /// The first eight bytes.
    public var high: UInt64
    /// The last eight bytes.
    public var low: UInt64

    /// A key of two halves: of a UUID, or of a digest.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// The keys of an append's messages, and how long they are remembered.
public struct MessageKeys: Hashable, Sendable {
    /// One key per message, in order.
    public var keys: [MessageKey]
    /// A key is remembered for so long.
    public var maximumAgeMilliseconds: UInt64
    /// So many of a stream's keys are remembered.
    public var maximumCount: UInt64

    /// Keys, remembered for a day and ten million of them if nothing else is said.
    public init(_ keys: [MessageKey], maximumAgeMilliseconds: UInt64 = 86_400_000, maximumCount: UInt64 = 10_000_000) {
        self.keys = keys
        self.maximumAgeMilliseconds = maximumAgeMilliseconds
        self.maximumCount = maximumCount
    }
}

/// What comes with the bytes of an append.
public struct AppendOptions: Hashable, Sendable {
    /// The media type of the bytes; `nil`: not compared with the stream's.
    public var contentType: String?
    /// The byte counts of the messages, in order; empty: the bytes are one message, or none when there are none.
    public var messageByteCounts: [Int]
    /// Who appends, so that a repetition is recognised.
    public var producer: ProducerTuple?
    /// A value that must be greater, byte by byte, than the one before.
    public var sequence: String?
    /// Whether the stream is closed after the messages. Without messages: closed only.
    public var closes: Bool
    /// Keys, by which messages that are there already are left out.
    public var keys: MessageKeys?
    /// Whether the append may use what is reserved of a limited store.
    public var usesReserve: Bool

    /// Options of an append; without any, the bytes are one message.
    public init(
        contentType: String? = nil,
        messageByteCounts: [Int] = [],
        producer: ProducerTuple? = nil,
        sequence: String? = nil,
        closes: Bool = false,
        keys: MessageKeys? = nil,
        usesReserve: Bool = false
    ) {
        self.contentType = contentType
        self.messageByteCounts = messageByteCounts
        self.producer = producer
        self.sequence = sequence
        self.closes = closes
        self.keys = keys
        self.usesReserve = usesReserve
    }
}
