public import EventJSON
import Logging
import Synchronization

extension Collector {
    /// Pushes one event and waits until every destination is done with it, keeps it, or has failed.
    ///
    /// ```swift
    /// let result = await collector.push(["name": "product view", "data": ["id": "p1"]])
    /// ```
    ///
    /// Only `name` is required. An invalid event is refused with `isInvalid` and a sentence in `error`.
    public func push(_ event: JSONObject, options: PushOptions = PushOptions()) async -> PushResult {
        await push(json: JSONValue.object(event).jsonText, options: options).first
            ?? PushResult(error: "no event", isInvalid: true)
    }

    /// Pushes several events, in order, and waits for all of them.
    public func push(_ events: [JSONObject], options: PushOptions = PushOptions()) async -> [PushResult] {
        await push(json: JSONValue.array(events.map(JSONValue.object)).jsonText, options: options)
    }

    private func push(json: [UInt8], options: PushOptions) async -> [PushResult] {
        await withCheckedContinuation { continuation in
            json.withUnsafeBufferPointer { bytes in
                do {
                    let batch = try EventBatch(json: bytes, limits: self.options.limits)
                    push(batch, options: options) { continuation.resume(returning: $0) }
                } catch {
                    continuation.resume(returning: [PushResult(error: "\(error)", isInvalid: true)])
                }
            }
        }
    }

    /// Pushes the events of a scanned body. Returns once they are accepted or refused; `completion` gets one result
    /// per event, in order, on whatever thread brings the last outcome.
    ///
    /// The bytes of the batch must be valid until this returns. Gives the number of events that were refused for now
    /// (`isTemporary`), which is known at once: whoever answers before the outcomes must not call these taken.
    @discardableResult
    public func push(
        _ batch: borrowing EventBatch,
        options: PushOptions,
        completion: @escaping @Sendable ([PushResult]) -> Void
    ) -> Int {
        let tracker = PushTracker(count: batch.count, completion: completion)
        let (workers, begun, outgoing) = state.withLock { state in
            for index in 0..<batch.count {
                accept(batch.events[index], in: batch.bytes, options: options, at: index, of: tracker, state: &state)
            }
            let begun = sourceSteps == nil ? [] : exchange(&state.begunWork, with: [])
            return (queue == nil ? state.workers : [], begun, exchange(&state.outgoing, with: []))
        }
        for worker in workers { worker.work() }
        write(outgoing)
        start(begun)
        let postponedCount = tracker.postponedCount
        tracker.close()
        return postponedCount
    }

    /// Accepts one event: source mapping, completion, a place in every destination's lane.
    func accept(
        _ incoming: IncomingEvent,
        in bytes: UnsafeBufferPointer<UInt8>,
        options: PushOptions,
        at index: Int,
        of tracker: PushTracker,
        state: inout CollectorState
    ) {
        guard state.isOpen else {
            return postpone(PushResult.shutDownReason, at: index, of: tracker)
        }
        guard incoming.kind == .object else {
            refuse(.notAnObject("\(incoming.kind)"), options: options, at: index, of: tracker, state: &state)
            return
        }
        guard incoming.byteCount <= self.options.maximumEventByteCount else {
            let refusal = EventRefusal.tooLarge(maximumByteCount: self.options.maximumEventByteCount)
            refuse(refusal, options: options, at: index, of: tracker, state: &state)
            return
        }
        // Refused at the door, so that no destination has it when it is sent again.
        for worker in state.workers where worker.isFull && isWanted(worker, options) {
            counters.countFailed()
            return postpone(PushResult.overloadReason(worker.id), at: index, of: tracker)
        }
        guard EventText.liveByteCount.load(ordering: .relaxed) < self.options.maximumMemoryByteCount else {
            counters.countFailed()
            return postpone(PushResult.memoryReason, at: index, of: tracker)
        }
        guard state.isAllowed else {
            keepForRun(incoming, in: bytes, options: options, state: &state)
            return
        }
        if let sourceSteps, let steps = options.source.flatMap({ sourceSteps[$0] }) {
            let event = Event(partial: incoming.object(in: bytes))
            return refine(event, steps, options: options, at: index, of: tracker, state: &state)
        }
        do throws(EventRefusal) {
            guard let event = try completed(incoming, in: bytes, options: options, state: &state) else { return }
            deliver(event, options: options, at: index, of: tracker, state: &state)
        } catch {
            refuse(error, options: options, at: index, of: tracker, state: &state)
        }
    }

    /// The complete event; nil if the source's mapping leaves it out.
    private func completed(
        _ incoming: IncomingEvent,
        in bytes: UnsafeBufferPointer<UInt8>,
        options: PushOptions,
        state: inout CollectorState
    ) throws(EventRefusal) -> Event? {
        let completion = completion(options, state.snapshot)
        guard let mapping = options.source.flatMap({ sources[$0] })?.mapping, !mapping.changesNothing else {
            return try complete(incoming, in: bytes, completion, state: &state)
        }
        let partial = Event(partial: incoming.object(in: bytes))
        let consent = state.snapshot.consent.object
        let mapped = mapping.map(partial, consent: consent, nowMilliseconds: completion.nowMilliseconds)
        if mapped.failureCount > 0 {
            counters.countFailed(mapped.failureCount)
            logger.error("mapping processing failed", metadata: ["source": "\(options.source ?? "")"])
        }
        let granted = ConsentStates.granted(collector: consent, event: mapped.event[.consent].object ?? [:])
        if mapped.isIgnored || mapped.isConsentDenied || !mapping.consent.isSatisfied(by: granted) { return nil }
        return try complete(mapped.event, completion, state: &state)
    }

    func completion(_ options: PushOptions, _ snapshot: StateSnapshot) -> EventCompletion {
        EventCompletion(
            state: snapshot,
            nowMilliseconds: time.nowMilliseconds(),
            requestTrace: options.traceID
        )
    }

    /// Completes an event that a mapping or steps have changed.
    func complete(
        _ event: Event,
        _ completion: EventCompletion,
        state: inout CollectorState
    ) throws(EventRefusal) -> Event {
        let text = JSONValue.object(event.object).jsonText
        return try text.withUnsafeBufferPointer { bytes throws(EventRefusal) in
            guard let batch = try? EventBatch(json: bytes, limits: .unbounded) else {
                throw .nameInvalid
            }
            return try complete(batch.events[0], in: bytes, completion, state: &state)
        }
    }

    private func complete(
        _ incoming: IncomingEvent,
        in bytes: UnsafeBufferPointer<UInt8>,
        _ completion: EventCompletion,
        state: inout CollectorState
    ) throws(EventRefusal) -> Event {
        var count = state.count
        let event = try completion.complete(incoming, in: bytes, identifiers: &state.identifiers) {
            count += 1
            return count
        }
        state.count = count
        return event
    }

    func deliver(
        _ event: Event,
        options: PushOptions,
        at index: Int,
        of tracker: PushTracker,
        state: inout CollectorState
    ) {
        if !options.sourceTags.isEmpty {
            var tagged = event
            var source = event[.source].object ?? [:]
            for tag in options.sourceTags { source[tag.name] = tag.value }
            tagged.replace(.source, by: source)
            var rest = options
            rest.sourceTags = [:]
            return deliver(tagged, options: rest, at: index, of: tracker, state: &state)
        }
        if queue == nil { counters.countAccepted() }
        if let source = options.source { state.sources[source, default: .init()].acceptedCount += 1 }
        if queue != nil {
            tracker.accept(index, event, outcomeCount: 1)
            return state.outgoing.append(
                OutgoingRecord(
                    event: event,
                    snapshot: state.snapshot,
                    options: options,
                    tracker: tracker,
                    index: index
                )
            )
        }
        if state.backfill.append(
            .init(event: event, ingest: options.ingest),
            byteCount: event.byteCount,
            maximumCount: self.options.maximumQueueCount,
            maximumByteCount: self.options.maximumQueueByteCount
        ) {
            // No loss: every destination that is there has them.
            logger.notice(
                "only the latest events are kept for destinations that may be added later",
                metadata: [
                    "count": "\(self.options.maximumQueueCount)", "bytes": "\(self.options.maximumQueueByteCount)",
                ]
            )
        }
        var count = 0
        for worker in state.workers where isWanted(worker, options) { count += 1 }
        tracker.accept(index, event, outcomeCount: count)
        for worker in state.workers where isWanted(worker, options) {
            let queued = QueuedEvent(
                event: event,
                state: state.snapshot,
                waiter: .push(tracker, index: index),
                ingest: options.ingest
            )
            worker.add(.event(queued))
        }
    }

    private func postpone(_ reason: String, at index: Int, of tracker: PushTracker) {
        tracker.update(index) {
            $0.error = reason
            $0.isTemporary = true
        }
    }

    private func isWanted(_ worker: DeliveryWorker, _ options: PushOptions) -> Bool {
        !worker.configuration.isDisabled && options.allows(worker.id)
    }

    func refuse(
        _ refusal: EventRefusal,
        options: PushOptions,
        at index: Int,
        of tracker: PushTracker,
        state: inout CollectorState
    ) {
        if refusal.isInvalid {
            if let omittedCount = state.refusalLog.take(nowMilliseconds: time.monotonicMilliseconds()) {
                var metadata: Logger.Metadata = ["error": "\(refusal)"]
                if omittedCount > 0 { metadata["omitted"] = "\(omittedCount)" }
                logger.warning("invalid event rejected", metadata: metadata)
            }
            if let source = options.source { state.sources[source, default: .init()].rejectedCount += 1 }
        } else {
            logger.error("push failed", metadata: ["error": "\(refusal)"])
            counters.countFailed()
        }
        tracker.update(index) {
            $0.error = refusal.description
            $0.isInvalid = refusal.isInvalid
        }
    }

    private func keepForRun(
        _ incoming: IncomingEvent,
        in bytes: UnsafeBufferPointer<UInt8>,
        options: PushOptions,
        state: inout CollectorState
    ) {
        let text = JSONValue.object(incoming.object(in: bytes)).jsonText
        let push = CollectorState.HeldPush(text: text, options: options)
        if state.preRun.append(
            push,
            byteCount: text.count,
            maximumCount: self.options.maximumQueueCount,
            maximumByteCount: self.options.maximumQueueByteCount
        ) {
            logger.warning("collector.preRunQueue overflow; oldest events dropped")
        }
    }
}
