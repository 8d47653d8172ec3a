extension StoreCore {
    /// Judges a creation and, if it is one, enqueues it. The bytes include what a sub-offset copies.
    mutating func create(
        _ name: String,
        _ options: CreateOptions,
        _ bytes: UnsafeRawBufferPointer,
        byteCounts: [Int],
        _ time: StoreTime,
        completion: @escaping StoreCompletion<CreateReceipt>
    ) -> Answer<CreateReceipt> {
        do throws(StreamStoreError) {
            try checkOpen()
            if let receipt = try existing(name, options, time) {
                guard isBehind else { return .now(.success(receipt)) }
                openGroup.completions.append(.create(receipt, completion))
                return .enqueued
            }
            let messages = FrameMessages(bytes: bytes, byteCounts: byteCounts, kept: nil)
            guard bytes.count <= limits.maximumAppendByteCount else {
                throw StreamStoreError.tooLarge(maximumByteCount: limits.maximumAppendByteCount)
            }
            if let error = Self.malformation(of: byteCounts, bytes.count) { throw error }
            if let error = roomRefusal(byteCount: bytes.count, usesReserve: bytes.isEmpty) { throw error }
            let definition = try define(name, options, time)
            let operation = CreateOperation(
                definition: definition,
                retention: options.retention,
                byteCount: UInt64(bytes.count),
                messageCount: UInt32(messages.count),
                isClosed: options.isClosed
            )
            if let slot = pending.slot(named: name), let expired = pending.streams[slot] {
                _ = enqueue(.delete(stream: expired.definition.id), slot: slot, .none, time)
            }
            _ = enqueue(.create(operation), slot: -1, messages, time)
            let receipt = CreateReceipt(
                isNew: true,
                contentType: definition.contentType,
                tail: StreamOffset(position: operation.end),
                isClosed: options.isClosed
            )
            openGroup.completions.append(.create(receipt, completion))
            return .enqueued
        } catch {
            switch error {
            case .full, .overloaded, .malformed, .tooLarge, .fenced, .storeClosed: return .now(.failure(error))
            default: break
            }
            guard isBehind else { return .now(.failure(error)) }
            openGroup.completions.append(.refusedCreate(error, completion))
            return .enqueued
        }
    }

    /// The answer for a stream that is there and was created as the same.
    func existing(_ name: String, _ options: CreateOptions, _ time: StoreTime) throws(StreamStoreError)
        -> CreateReceipt?
    {
        guard !name.isEmpty, name.utf8.count <= 1024 else { throw .invalidName }
        guard let slot = pending.slot(named: name), let state = pending.streams[slot] else { return nil }
        guard !state.isDeleted else { throw .conflict }
        guard !isExpired(pendingSlot: slot, time) else {
            // Its forks still need it: the name is not free.
            guard state.references == 0 else { throw .conflict }
            return nil
        }
        let definition = state.definition
        let isFork = options.origin != nil
        let sameType =
            options.contentType.map { definition.hasSameType(as: $0) }
            ?? (isFork || definition.hasSameType(as: Self.defaultType))
        let sameList =
            options.isMessageList.map { $0 == definition.isMessageList } ?? (isFork || !definition.isMessageList)
        let sameExpiry = options.expiry.map { $0 == definition.expiry } ?? (isFork || definition.expiry == .never)
        let sameOrigin =
            options.origin?.source == definition.parentName
            && (options.origin?.offset.map { $0.position == definition.base } ?? true)
            && (options.origin?.subOffset ?? 0) == definition.subOffset
        guard sameType, sameList, sameExpiry, sameOrigin, options.isClosed == state.isClosed else { throw .conflict }
        return CreateReceipt(
            isNew: false,
            contentType: definition.contentType,
            tail: state.tailOffset,
            isClosed: state.isClosed
        )
    }

    static let defaultType = "application/octet-stream"

    /// Where a fork begins, before anything is read for its sub-offset.
    func forkSource(_ origin: ForkOrigin, contentType: String?, _ time: StoreTime) throws(StreamStoreError)
        -> (state: StreamState, position: UInt64)
    {
        guard let slot = pending.slot(named: origin.source), let source = pending.streams[slot],
            source.isDeleted || !isExpired(pendingSlot: slot, time)
        else { throw .originAbsent }
        guard !source.isDeleted else { throw .originDeleted }
        if let contentType, !source.definition.hasSameType(as: contentType) { throw .originTypeConflict }
        let offset = origin.offset ?? source.tailOffset
        guard offset.readSequence == 0, offset.position <= source.tail else { throw .originBeyondTail }
        let earliest = pending.earliest(of: slot)
        guard offset.position >= earliest else { throw .gone(earliest: StreamOffset(position: earliest)) }
        return (source, offset.position)
    }

    private func define(_ name: String, _ options: CreateOptions, _ time: StoreTime) throws(StreamStoreError)
        -> StreamDefinition
    {
        guard let origin = options.origin else {
            return StreamDefinition(
                id: pending.nextStream,
                name: name,
                contentType: options.contentType ?? Self.defaultType,
                isMessageList: options.isMessageList ?? false,
                expiry: options.expiry ?? .never,
                createdMilliseconds: time.wall
            )
        }
        let (source, position) = try forkSource(origin, contentType: options.contentType, time)
        return StreamDefinition(
            id: pending.nextStream,
            name: name,
            contentType: options.contentType ?? source.definition.contentType,
            isMessageList: options.isMessageList ?? source.definition.isMessageList,
            expiry: options.expiry ?? source.definition.expiry,
            createdMilliseconds: time.wall,
            parent: source.definition.id,
            parentName: origin.source,
            subOffset: origin.subOffset,
            base: position
        )
    }
}
