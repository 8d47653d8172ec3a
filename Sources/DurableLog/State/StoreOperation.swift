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
struct AppendOperation: Equatable, Sendable {
    var stream: UInt64
    /// Where the stream ended before.
    var start: UInt64
    var byteCount: UInt64
    var messageCount: UInt32
    var closes: Bool
    var milliseconds: UInt64
    var producer: ProducerTuple?
    var sequence: String?
    var keys: MessageKeys?

    /// Where the stream ends afterwards.
    var end: UInt64 { start + byteCount + UInt64(messageCount) }
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
