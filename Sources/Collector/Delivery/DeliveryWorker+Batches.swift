import Synchronization

/// Gathering events by batch options before they are delivered.
extension DeliveryWorker {
    /// Hands a mapped event on: to delivery, or to a batch if options ask for one.
    func gather(
        _ mapped: MappedEvent,
        _ waiter: DeliveryWaiter,
        _ followUp: FollowUp?,
        into deliveries: inout PendingDeliveries
    ) {
        let delivery = Delivery(mapped)
        let rule = mapped.rule?.batch
        guard rule != nil || configuration.batch != nil else {
            deliveries.append(delivery, waiter, followUp)
            return
        }
        let options = BatchBuffers.ResolvedBatchOptions(rule: rule, destination: configuration.batch)
        let key = rule == nil ? BatchBuffers.sharedKey : mapped.ruleKey ?? BatchBuffers.sharedKey
        var waiter = waiter
        waiter.takeCaller().settle(id, nil)
        let action = state.withLock { state in
            state.lane.settle(1)
            return state.buffers.add(
                delivery,
                waiter,
                followUp,
                key: key,
                options: options,
                nowMilliseconds: time.monotonicMilliseconds()
            )
        }
        act(on: action, key: key)
    }

    private func act(on action: BatchBuffers.Action, key: String) {
        switch action {
        case .none: break
        case .deliver(let deliveries): send(gathered: deliveries)
        case .wait(let milliseconds):
            Task {
                try? await time.sleep(.milliseconds(milliseconds))
                let action = state.withLock {
                    $0.buffers.check(key, nowMilliseconds: time.monotonicMilliseconds())
                }
                act(on: action, key: key)
                work()
            }
        }
    }

    private func send(gathered deliveries: PendingDeliveries) {
        // Nobody waits for an event that was gathered.
        state.withLock { _ = $0.lane.send(deliveries, wereGathered: true) }
    }

    /// Tells whoever waits for events that are not under way that the collector ends without them.
    func failWaiters() {
        let waiters = state.withLock { $0.lane.releaseWaiters() }
        for waiter in waiters { waiter.settle(id, .failed(reason: PushResult.shutDownReason)) }
    }

    /// Delivers what was gathered and returns when nothing is under way any more.
    func drain() async {
        let gathered = state.withLock { $0.buffers.takeAll() }
        for batch in gathered { send(gathered: batch) }
        // What a breaker holds gets its attempt now or never.
        state.withLock { $0.lane.finishCooldown() }
        work()
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.lane.isIdle { return true }
                state.drained.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }
}
