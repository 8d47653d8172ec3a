import Synchronization

/// What the stores of this module have in common: calls on the engine.
///
/// `@unchecked Sendable`: a class that is subclassed cannot be checked; all of its properties, and those of its
/// subclasses, which are in this module, are constant and `Sendable`.
public class LocalStreamStore: StreamStore, @unchecked Sendable {
    let engine: StoreEngine

    init(_ engine: StoreEngine) { self.engine = engine }

    /// Creates a stream with what it holds first, or finds it created as the same.
    public final func create(
        _ name: String,
        _ options: CreateOptions,
        initialBytes: UnsafeRawBufferPointer,
        completion: @escaping StoreCompletion<CreateReceipt>
    ) {
        engine.create(name, options, initialBytes, completion: completion)
    }

    /// Appends messages, closes, or both, all or nothing. The bytes are copied before the call returns.
    public final func append(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        _ options: AppendOptions,
        completion: @escaping StoreCompletion<AppendReceipt>
    ) {
        engine.append(bytes, to: name, options, completion: completion)
    }

    /// What an append would be refused for, whatever its messages are.
    public final func refusal(ofAppendTo name: String, _ options: AppendOptions) -> StreamStoreError? {
        let time = engine.clock.now()
        return engine.core.withLock { $0.refusal(ofAppendTo: name, options, time) }
    }

    /// Deletes a stream; while it has forks, its data is kept for them.
    public final func delete(_ name: String, completion: @escaping StoreCompletion<Void>) {
        engine.change(name, completion: completion) { .success(.delete(stream: $0.definition.id)) }
    }

    /// Reads whole messages from an offset.
    public final func read(
        _ name: String,
        from offset: StreamOffset,
        maximumByteCount: Int,
        completion: @escaping StoreCompletion<StreamPage>
    ) {
        engine.read(name, from: offset, maximumByteCount: maximumByteCount, completion: completion)
    }

    /// Calls back when there is something behind an offset, or never will be.
    @discardableResult
    public final func waitForData(
        in name: String,
        after offset: StreamOffset,
        completion: @escaping StoreCompletion<WaitOutcome>
    ) -> WaitToken? {
        engine.wait(in: name, after: offset, completion: completion)
    }

    /// Ends a wait, which is called back with `cancelled` unless it ended before.
    public final func cancelWait(_ token: WaitToken) {
        engine.core.withLock { $0.cancel(token) }?(.success(.cancelled))
    }

    /// What a stream is. Counts as no access.
    public final func status(of name: String) -> Result<StreamStatus, StreamStoreError> {
        let time = engine.clock.now()
        return engine.core.withLock { $0.status(of: name, time) }
    }

    /// Counts as an access.
    public final func touch(_ name: String) {
        let time = engine.clock.now()
        engine.core.withLock { core in
            if case .success(let slot) = core.readableSlot(name, time) { core.noteAccess(slot, time) }
        }
        if engine.flusherSignal == nil { engine.settle() }
    }

    /// Names that begin with a prefix, in order of their bytes, behind one of them.
    public final func names(prefix: String, after: String?, maximumCount: Int) -> [String] {
        let time = engine.clock.now()
        // Sorted without the lock; the state is a value.
        let durable = engine.core.withLock { $0.durable }
        let sorted = durable.names.keys.filter { name in
            name.utf8.starts(with: prefix.utf8) && (after.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true)
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var names: [String] = []
        for name in sorted where names.count < maximumCount {
            if case .success = engine.core.withLock({ $0.readableSlot(name, time) }) { names.append(name) }
        }
        return names
    }

    /// Sets a cursor, durably with what is written next; `nil` removes it.
    public final func setCursor(_ cursor: String, of name: String, to offset: StreamOffset?)
        -> Result<Void, StreamStoreError>
    {
        guard !cursor.isEmpty, cursor.utf8.count <= 1024 else { return .failure(.invalidName) }
        let time = engine.clock.now()
        let answer = engine.core.withLock { core in
            core.change(name, time, completion: nil) { state throws(StreamStoreError) in
                if let offset {
                    guard offset.readSequence == 0, offset.position <= state.tail else {
                        throw .malformed("cursor: its offset lies beyond the stream's end")
                    }
                }
                return state.cursors[cursor] == offset?.position
                    ? nil : .cursor(stream: state.definition.id, name: cursor, position: offset?.position)
            }
        }
        if engine.flusherSignal == nil { engine.settle() }
        if case .now(let result) = answer { return result }
        return .success(())
    }

    /// Sets a cursor, and calls back when that is durable: at once if it is urgent, else with what is written next.
    public final func setCursor(
        _ cursor: String,
        of name: String,
        to offset: StreamOffset,
        isUrgent: Bool,
        completion: @escaping StoreCompletion<Void>
    ) {
        guard !cursor.isEmpty, cursor.utf8.count <= 1024 else { return completion(.failure(.invalidName)) }
        engine.change(name, wakesFlusher: isUrgent, completion: completion) { state in
            guard offset.readSequence == 0, offset.position <= state.tail else {
                return .failure(.malformed("cursor: its offset lies beyond the stream's end"))
            }
            return .success(
                state.cursors[cursor] == offset.position
                    ? nil : .cursor(stream: state.definition.id, name: cursor, position: offset.position)
            )
        }
    }

    /// Changes how much is kept.
    public final func setRetention(
        _ retention: RetentionPolicy,
        of name: String,
        completion: @escaping StoreCompletion<Void>
    ) {
        engine.change(name, completion: completion) { .success(.retention(stream: $0.definition.id, retention)) }
    }

    /// Releases what lies before an offset; files follow when whole segments are released.
    public final func trim(
        _ name: String,
        before offset: StreamOffset,
        messageCount: UInt64?,
        completion: @escaping StoreCompletion<Void>
    ) {
        engine.change(name, completion: completion) { state in
            guard offset.readSequence == 0, offset.position <= state.tail else {
                return .failure(.malformed("trim: the offset lies beyond the stream's end"))
            }
            return .success(
                offset.position > state.earliest
                    ? .trim(
                        stream: state.definition.id,
                        position: offset.position,
                        messageCount: messageCount.map { state.releasedMessageCount + $0 } ?? 0
                    ) : nil
            )
        }
    }

    /// Damaged places found since the start.
    var damageCount: UInt64 { 0 }

    /// What the store is.
    public final func statistics() -> StoreStatistics {
        let damageCount = damageCount
        return engine.core.withLock { core in
            var statistics = core.statistics
            statistics.damageCount = damageCount
            statistics.streamCount = core.durable.count
            statistics.usedByteCount = core.usedByteCount
            statistics.queuedByteCount = UInt64(core.queuedByteCount)
            statistics.cachedByteCount = UInt64(core.cachedByteCount + core.uncopiedByteCount)
            return statistics
        }
    }

    /// Releases and expires at once what would be in its time.
    public func maintain(completion: @escaping StoreCompletion<Void>) {
        let time = engine.clock.now()
        engine.core.withLock { core in
            core.deleteExpired(time)
            core.applyRetention(time)
        }
        engine.settle()
        completion(.success(()))
    }

    /// Ends all waits; nothing is accepted afterwards.
    public func close(completion: @escaping @Sendable () -> Void) {
        let callbacks = engine.core.withLock { core in
            core.isClosed = true
            return core.endAllWaits()
        }
        callbacks.run()
        completion()
    }
}
