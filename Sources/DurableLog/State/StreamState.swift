/// All that is known of a stream but its bytes.
struct StreamState: Equatable, Sendable {
    let definition: StreamDefinition
    var tail: UInt64
    var earliest: UInt64 = 0
    var isClosed: Bool
    /// Deleted, and kept for its forks.
    var isDeleted = false
    /// How many streams are forked from this one.
    var references: UInt32 = 0
    /// Own messages and their bytes, released ones included.
    var messageCount: UInt64
    var byteCount: UInt64
    /// Own messages that were released.
    var releasedMessageCount: UInt64 = 0
    var lastAccessMilliseconds: UInt64
    var lastAppendMilliseconds: UInt64
    var sequence: String?
    var closingTuple: ProducerTuple?
    var producers: [String: ProducerPosition] = [:]
    var cursors: [String: UInt64] = [:]
    var retention: RetentionPolicy
    /// How many keys were ever remembered, and for how long they are.
    var keyCount: UInt64 = 0
    var keyMaximumAgeMilliseconds: UInt64 = 0
    var keyMaximumCount: UInt64 = 0

    init(_ create: CreateOperation) {
        definition = create.definition
        tail = create.end
        isClosed = create.isClosed
        messageCount = UInt64(create.messageCount)
        byteCount = create.byteCount
        lastAccessMilliseconds = create.definition.createdMilliseconds
        lastAppendMilliseconds = create.definition.createdMilliseconds
        retention = create.retention
    }

    var tailOffset: StreamOffset { StreamOffset(position: tail) }

    /// Own messages that are kept, and their bytes.
    var kept: (messageCount: UInt64, byteCount: UInt64) {
        let messages = messageCount - min(messageCount, releasedMessageCount)
        let span = tail - max(earliest, definition.base)
        return (min(messages, span), span - min(span, messages))
    }

    mutating func apply(_ append: AppendOperation) {
        tail = append.end
        messageCount += UInt64(append.messageCount)
        byteCount += append.byteCount
        lastAccessMilliseconds = max(lastAccessMilliseconds, append.milliseconds)
        lastAppendMilliseconds = append.milliseconds
        if append.closes {
            isClosed = true
            closingTuple = append.producer
        }
        guard let details = append.details else { return }
        if let producer = details.producer {
            producers[producer.id] = ProducerPosition(epoch: producer.epoch, sequence: producer.sequence)
        }
        if let sequence = details.sequence { self.sequence = sequence }
        if let keys = details.keys {
            keyCount += UInt64(keys.keys.count)
            keyMaximumAgeMilliseconds = max(keyMaximumAgeMilliseconds, keys.maximumAgeMilliseconds)
            keyMaximumCount = max(keyMaximumCount, keys.maximumCount)
        }
    }
}
