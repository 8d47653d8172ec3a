/// A change of the store: what one frame of the commit log says.
enum StoreOperation: Equatable, Sendable {
    case append(AppendOperation)
    indirect case create(CreateOperation)
    case delete(stream: UInt64)
    case touch(stream: UInt64, milliseconds: UInt64)
    /// Everything before the position is released; so many of the stream's own messages lie before it.
    case trim(stream: UInt64, position: UInt64, messageCount: UInt64)
    indirect case cursor(stream: UInt64, name: String, position: UInt64?)
    indirect case retention(stream: UInt64, RetentionPolicy)

    var stream: UInt64 {
        switch self {
        case .append(let append): append.stream
        case .create(let create): create.definition.id
        case .delete(let stream), .touch(let stream, _), .trim(let stream, _, _), .cursor(let stream, _, _),
            .retention(let stream, _):
            stream
        }
    }
}

/// Messages, a producer's progress, a sequence value and a closing, or some of them, at once.
///
/// It is copied several times on its way to readers: what most appends do not have lies apart.
struct AppendOperation: Equatable, Sendable {
    var stream: UInt64
    /// Where the stream ended before.
    var start: UInt64
    var byteCount: UInt64
    var messageCount: UInt32
    var closes: Bool
    var milliseconds: UInt64
    /// `nil`: messages only.
    private(set) var details: AppendDetails?

    init(
        stream: UInt64,
        start: UInt64,
        byteCount: UInt64,
        messageCount: UInt32,
        closes: Bool,
        milliseconds: UInt64,
        producer: ProducerTuple? = nil,
        sequence: String? = nil,
        keys: MessageKeys? = nil
    ) {
        self.stream = stream
        self.start = start
        self.byteCount = byteCount
        self.messageCount = messageCount
        self.closes = closes
        self.milliseconds = milliseconds
        if producer != nil || sequence != nil || keys != nil {
            details = AppendDetails(producer: producer, sequence: sequence, keys: keys)
        }
    }

    var producer: ProducerTuple? { details?.producer }
    var sequence: String? { details?.sequence }
    var keys: MessageKeys? { details?.keys }

    /// Where the stream ends afterwards.
    var end: UInt64 { start + byteCount + UInt64(messageCount) }
}

/// What an append has beside messages.
final class AppendDetails: Equatable, Sendable {
    let producer: ProducerTuple?
    let sequence: String?
    let keys: MessageKeys?

    init(producer: ProducerTuple?, sequence: String?, keys: MessageKeys?) {
        self.producer = producer
        self.sequence = sequence
        self.keys = keys
    }

    static func == (one: AppendDetails, other: AppendDetails) -> Bool {
        one.producer == other.producer && one.sequence == other.sequence && one.keys == other.keys
    }
}

/// A new stream and what it holds first.
struct CreateOperation: Equatable, Sendable {
    var definition: StreamDefinition
    var retention: RetentionPolicy
    var byteCount: UInt64
    var messageCount: UInt32
    var isClosed: Bool

    var end: UInt64 { definition.base + byteCount + UInt64(messageCount) }
}
