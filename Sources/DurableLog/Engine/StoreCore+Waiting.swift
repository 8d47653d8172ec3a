extension StoreCore {
    /// Registers a wait, or says at once how it ends.
    mutating func wait(
        in name: String,
        after offset: StreamOffset,
        _ time: StoreTime,
        completion: @escaping StoreCompletion<WaitOutcome>
    ) -> (token: WaitToken?, outcome: Result<WaitOutcome, StreamStoreError>?) {
        if isClosed { return (nil, .failure(.storeClosed)) }
        let slot: Int
        switch readableSlot(name, time) {
        case .failure(let error): return (nil, .failure(error))
        case .success(let found): slot = found
        }
        guard let state = durable.streams[slot] else { return (nil, .failure(.absent)) }
        noteAccess(slot, time)
        if state.tail > offset.position, offset.readSequence == 0 {
            return (nil, .success(.data(tail: state.tailOffset)))
        }
        if state.isClosed { return (nil, .success(.closed(tail: state.tailOffset))) }
        let number = nextWaiter
        nextWaiter += 1
        runtimes[slot]?.waiters.append(StreamWaiter(number: number, after: offset.position, completion: completion))
        return (WaitToken(stream: state.definition.id, number: number), nil)
    }

    /// Takes a wait out.
    mutating func cancel(_ token: WaitToken) -> StoreCompletion<WaitOutcome>? {
        guard let slot = durable.slots[token.stream],
            let index = runtimes[slot]?.waiters.firstIndex(where: { $0.number == token.number })
        else { return nil }
        return runtimes[slot]?.waiters.remove(at: index).completion
    }

    /// Calls those whom a stream's new tail, or its closing, concerns.
    mutating func wake(_ slot: Int, _ callbacks: inout StoreCallbacks) {
        guard runtimes[slot]?.waiters.isEmpty == false, let state = durable.streams[slot] else { return }
        var staying: [StreamWaiter] = []
        for waiter in runtimes[slot]?.waiters ?? [] {
            if state.tail > waiter.after {
                callbacks.waits.append((waiter.completion, .data(tail: state.tailOffset)))
            } else if state.isClosed {
                callbacks.waits.append((waiter.completion, .closed(tail: state.tailOffset)))
            } else {
                staying.append(waiter)
            }
        }
        runtimes[slot]?.waiters = staying
    }

    mutating func endWaits(_ slot: Int, _ outcome: WaitOutcome, _ callbacks: inout StoreCallbacks) {
        guard runtimes.indices.contains(slot) else { return }
        for waiter in runtimes[slot]?.waiters ?? [] { callbacks.waits.append((waiter.completion, outcome)) }
        runtimes[slot]?.waiters = []
    }

    mutating func endAllWaits() -> StoreCallbacks {
        var callbacks = StoreCallbacks()
        for slot in runtimes.indices { endWaits(slot, .cancelled, &callbacks) }
        return callbacks
    }

    /// Where a stream is that can be read.
    func readableSlot(_ name: String, _ time: StoreTime) -> Result<Int, StreamStoreError> {
        guard let slot = durable.slot(named: name), let state = durable.streams[slot] else { return .failure(.absent) }
        guard !state.isDeleted else { return .failure(.deleted) }
        // Expiry is judged by the pending state's rules, on a stream that is durable.
        guard !isExpired(durableSlot: slot, time) else { return .failure(.absent) }
        return .success(slot)
    }
}
