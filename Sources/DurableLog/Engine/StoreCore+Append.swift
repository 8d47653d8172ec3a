extension StoreCore {
    /// What is to be done for a call, outside the lock.
    enum Answer<Value: Sendable>: Sendable {
        /// It is in the open group, whose completion will be called.
        case enqueued
        case now(Result<Value, StreamStoreError>)
    }

    mutating func append(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        _ options: AppendOptions,
        _ time: StoreTime,
        completion: @escaping StoreCompletion<AppendReceipt>
    ) -> Answer<AppendReceipt> {
        if let fence { return .now(.failure(fence)) }
        if isClosed { return .now(.failure(.storeClosed)) }
        guard let slot = pending.slot(named: name), !isExpired(pendingSlot: slot, time) else {
            return refuse(.absent, completion)
        }
        var messages = FrameMessages(bytes: bytes, byteCounts: options.messageByteCounts, kept: nil)
        if let malformed = malformation(of: messages, options) { return refuse(malformed, completion) }
        let isPlain =
            options.producer == nil && options.sequence == nil && options.keys == nil && !options.closes
            && messages.count > 0 && options.contentType == nil
        if !(isPlain && pending.streams[slot]?.isClosed == false && pending.streams[slot]?.isDeleted == false) {
            guard let state = pending.streams[slot] else { return refuse(.absent, completion) }
            switch AppendVerdict(options, hasMessages: messages.count > 0, in: state) {
            case .accept: break
            case .answer(let receipt): return answer(receipt, completion)
            case .refuse(let error): return refuse(error, completion)
            }
        }
        if let refusal = roomRefusal(byteCount: bytes.count, usesReserve: options.usesReserve) {
            return refuse(refusal, completion)
        }

        let start = pending.streams[slot]?.tail ?? 0
        guard start + UInt64(bytes.count + messages.count) <= StreamOffset.maximumValue else {
            return refuse(.full("the stream has reached the largest offset"), completion)
        }
        var keys = options.keys
        var duplicates: [DuplicateMessage] = []
        if let given = options.keys, let state = pending.streams[slot] {
            (messages.kept, duplicates) = sift(given, messages, state, time)
            if let kept = messages.kept {
                let left = Set(duplicates.map(\.index))
                keys?.keys = given.keys.enumerated().filter { !left.contains($0.offset) }.map(\.element)
                if kept.isEmpty, options.producer == nil, options.sequence == nil, !options.closes {
                    let receipt = AppendReceipt(
                        start: state.tailOffset,
                        tail: state.tailOffset,
                        isRepetition: false,
                        isClosed: false,
                        producer: nil,
                        duplicates: duplicates
                    )
                    return answer(receipt, completion)
                }
            }
        }
        let append = AppendOperation(
            stream: pending.streams[slot]?.definition.id ?? 0,
            start: start,
            byteCount: UInt64(messages.byteCount),
            messageCount: UInt32(messages.count),
            closes: options.closes,
            milliseconds: time.wall,
            producer: options.producer,
            sequence: options.sequence,
            keys: keys
        )
        if keys != nil {
            rememberKeys(append, messages, firstOrdinal: pending.streams[slot]?.keyCount ?? 0)
        }
        _ = enqueue(.append(append), slot: slot, messages, time)
        let receipt = AppendReceipt(
            start: StreamOffset(position: start),
            tail: StreamOffset(position: append.end),
            isRepetition: false,
            isClosed: options.closes,
            producer: options.producer.map { ProducerPosition(epoch: $0.epoch, sequence: $0.sequence) },
            duplicates: duplicates
        )
        openGroup.completions.append(.append(receipt, completion))
        return .enqueued
    }

    /// Why an append would be refused.
    func refusal(ofAppendTo name: String, _ options: AppendOptions, _ time: StoreTime) -> StreamStoreError? {
        if let fence { return fence }
        if isClosed { return .storeClosed }
        guard let slot = pending.slot(named: name), !isExpired(pendingSlot: slot, time),
            let state = pending.streams[slot]
        else { return .absent }
        if case .refuse(let error) = AppendVerdict(options, hasMessages: true, in: state) { return error }
        return nil
    }

    /// What is wrong with the numbers of an append.
    private func malformation(of messages: FrameMessages, _ options: AppendOptions) -> StreamStoreError? {
        if messages.bytes.count > limits.maximumAppendByteCount {
            return .tooLarge(maximumByteCount: limits.maximumAppendByteCount)
        }
        if let error = Self.malformation(of: messages.byteCounts, messages.bytes.count) { return error }
        if let keys = options.keys, keys.keys.count != messages.count {
            return .malformed("keys: one for each message is needed")
        }
        if let producer = options.producer {
            if producer.id.isEmpty || producer.id.utf8.count > 1024 {
                return .malformed("producer: its id has 1 to 1024 bytes")
            }
            if max(producer.epoch, producer.sequence) > ProducerTuple.maximumNumber {
                return .malformed("producer: epoch and sequence number are at most \(ProducerTuple.maximumNumber)")
            }
        }
        if let sequence = options.sequence, sequence.utf8.count > 1024 {
            return .malformed("sequence value: at most 1024 bytes")
        }
        return nil
    }

    static func malformation(of byteCounts: [Int], _ byteCount: Int) -> StreamStoreError? {
        guard !byteCounts.isEmpty else { return nil }
        var total = 0
        for count in byteCounts {
            guard count >= 0, count <= byteCount else {
                return .malformed("message byte counts: not those of the bytes")
            }
            total += count
        }
        return total == byteCount ? nil : .malformed("message byte counts: they do not add up to the bytes")
    }

    /// Which messages have no key that is remembered.
    private func sift(_ given: MessageKeys, _ messages: FrameMessages, _ state: StreamState, _ time: StoreTime)
        -> ([Range<Int>]?, [DuplicateMessage])
    {
        var duplicates: [DuplicateMessage] = []
        var kept: [Range<Int>] = []
        var fresh: [MessageKey: UInt64] = [:]
        var at = 0
        var position = state.tail
        let byteCounts = messages.byteCounts.isEmpty ? [messages.bytes.count] : messages.byteCounts
        for (index, key) in given.keys.enumerated() {
            let range = at..<at + byteCounts[index]
            at = range.upperBound
            if let end = fresh[key] {
                duplicates.append(DuplicateMessage(index: index, end: StreamOffset(position: end)))
                continue
            }
            let entry = keys.entry(StreamKey(stream: state.definition.id, key: key), older: olderKey)
            if let entry, entry.ordinal + given.maximumCount >= state.keyCount + 1,
                time.wall < entry.milliseconds + given.maximumAgeMilliseconds || time.wall < entry.milliseconds
            {
                duplicates.append(DuplicateMessage(index: index, end: StreamOffset(position: entry.end)))
                continue
            }
            kept.append(range)
            position += UInt64(range.count) + 1
            fresh[key] = position
        }
        return (duplicates.isEmpty ? nil : kept, duplicates)
    }

    private mutating func rememberKeys(_ append: AppendOperation, _ messages: FrameMessages, firstOrdinal: UInt64) {
        var ends: [UInt64] = []
        var position = append.start
        let counts =
            messages.kept.map { $0.map(\.count) }
            ?? (messages.byteCounts.isEmpty ? [messages.bytes.count] : messages.byteCounts)
        for count in counts {
            position += UInt64(count) + 1
            ends.append(position)
        }
        keys.insert(append, firstOrdinal: firstOrdinal, ends: ends)
    }

    /// An answer that stores nothing. It may rest on what is not durable yet, and then waits for that.
    private mutating func answer(_ receipt: AppendReceipt, _ completion: @escaping StoreCompletion<AppendReceipt>)
        -> Answer<AppendReceipt>
    {
        guard isBehind else { return .now(.success(receipt)) }
        openGroup.completions.append(.append(receipt, completion))
        return .enqueued
    }

    private mutating func refuse(_ error: StreamStoreError, _ completion: @escaping StoreCompletion<AppendReceipt>)
        -> Answer<AppendReceipt>
    {
        switch error {
        case .full, .overloaded, .malformed, .tooLarge: return .now(.failure(error))
        default: break
        }
        guard isBehind else { return .now(.failure(error)) }
        openGroup.completions.append(.refusedAppend(error, completion))
        return .enqueued
    }
}
