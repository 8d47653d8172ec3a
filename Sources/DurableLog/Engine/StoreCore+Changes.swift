extension StoreCore {
    /// Enqueues an operation on a stream that is there, judged by the pending state.
    mutating func change(
        _ name: String,
        _ time: StoreTime,
        completion: StoreCompletion<Void>?,
        _ operation: (StreamState) throws(StreamStoreError) -> StoreOperation?
    ) -> Answer<Void> {
        do throws(StreamStoreError) {
            try checkOpen()
            guard let slot = pending.slot(named: name), let state = pending.streams[slot],
                state.isDeleted || !isExpired(pendingSlot: slot, time)
            else { throw StreamStoreError.absent }
            guard !state.isDeleted else { throw StreamStoreError.deleted }
            if let operation = try operation(state) { _ = enqueue(operation, slot: slot, .none, time) }
            guard let completion else { return .now(.success(())) }
            guard isBehind else { return .now(.success(())) }
            openGroup.completions.append(.change(completion))
            return .enqueued
        } catch {
            guard let completion, isBehind, fence == nil, !isClosed else { return .now(.failure(error)) }
            openGroup.completions.append(.refusedChange(error, completion))
            return .enqueued
        }
    }

    /// Enqueues what retention asks for. Segments and recent frames are released whole.
    mutating func applyRetention(_ time: StoreTime) {
        guard fence == nil, !isClosed else { return }
        for slot in durable.streams.indices {
            // Most streams keep everything; those are passed without a copy of their state.
            guard durable.streams[slot]?.retention.keepsEverything == false, let state = durable.streams[slot],
                let now = pending.streams[slot], now.definition.id == state.definition.id,
                let runtime = runtimes[slot],
                let trim = RetentionPlan(state, runtime, cursors: now.cursors).trim(at: time.wall),
                trim.position > now.earliest
            else { continue }
            _ = enqueue(
                .trim(stream: state.definition.id, position: trim.position, messageCount: trim.messageCount),
                slot: slot,
                .none,
                time
            )
        }
    }
}
