import EventJSON
import Logging
import Synchronization

/// Reading what a destination has not taken as it was written.
extension QueueReader {
    /// Reads on, if there is something to read and room for it.
    func read(_ feed: QueueFeed) {
        let begun = state.withLock { state -> (EventQueueStream, UInt64)? in
            guard state.worker != nil, state[feed].wantsReading else { return nil }
            state[feed].isReading = true
            return (state[feed].stream, state[feed].progress.taken)
        }
        guard let (stream, position) = begun else { return follow(feed) }
        queue.read(stream, from: position, maximumByteCount: Self.pageByteCount) { [self] result in
            switch result {
            case .success(let page): take(page, feed)
            case .failure(let error):
                logger.error("events cannot be read", metadata: ["error": "\(error)"])
                let isOpen = state.withLock { state in
                    state[feed].isReading = false
                    return state.worker != nil
                }
                if isOpen { later { self.read(feed) } }
            }
        }
    }

    /// From here on events come as they are written, once all before them were taken.
    private func follow(_ feed: QueueFeed) {
        guard feed == .events else { return }
        state.withLock { state in
            if !state.events.isReading, state.events.progress.taken >= state.events.tail {
                state.events.isFollowing = true
            }
        }
    }

    private func take(_ page: EventQueuePage, _ feed: QueueFeed) {
        let records = page.bytes.withUnsafeBufferPointer { bytes in
            page.records.map { record in
                let event =
                    feed == .deadLetters
                    ? try? EventRecord(letter: bytes, in: record.range) : try? EventRecord(bytes, in: record.range)
                return (record: event, end: record.end)
            }
        }
        let unreadableCount = records.count { $0.record == nil }
        if unreadableCount > 0 {
            logger.error("records that are no events were passed over", metadata: ["count": "\(unreadableCount)"])
        }
        let worker = state.withLock { state -> DeliveryWorker? in
            state[feed].isReading = false
            guard let worker = state.worker else { return nil }
            for (record, end) in records where end > state[feed].progress.taken && end <= state[feed].tail {
                guard let record, record.circumstances.allows(destination) else {
                    state[feed].progress.pass(end)
                    continue
                }
                let place = QueuePlace(feed: feed, ordinal: state[feed].progress.take(end))
                worker.add(.event(queued(record, at: place, &state)))
            }
            // What was released, or lies in a damaged place, has no records; the end may lie within one.
            state[feed].progress.skip(to: min(page.next, state[feed].tail))
            if records.isEmpty, page.next <= state[feed].progress.taken {
                state[feed].tail = state[feed].progress.taken
            }
            if feed == .events, state[feed].progress.taken >= state[feed].tail { state[feed].isFollowing = true }
            return worker
        }
        worker?.workApart()
        wake()
    }

    /// A record as it waits at the destination.
    private func queued(_ record: EventRecord, at place: QueuePlace, _ state: inout State) -> QueuedEvent {
        let circumstances = record.circumstances
        if !state.past.consent.holds(circumstances.consent) || !state.past.user.holds(circumstances.user) {
            state.past = state.present.with(consent: circumstances.consent, user: circumstances.user)
        }
        return queued(record.event, under: state.past, circumstances.ingest, at: place, state)
    }

    /// An event as it waits at the destination.
    ///
    /// What was accepted under another consent than the collector's present one waited while that changed, and goes on
    /// under the present one, as all that waits does.
    func queued(
        _ event: Event,
        under snapshot: StateSnapshot,
        _ ingest: Ingest?,
        at place: QueuePlace,
        _ state: borrowing State
    ) -> QueuedEvent {
        let queued = QueuedEvent(event: event, state: snapshot, waiter: .queue(place, event), ingest: ingest)
        let present = state.present
        if place.feed != .held, snapshot === present || present.consent.holds(snapshot.consent.object) { return queued }
        return queued.withPresentConsent(present, waiter: .none)
    }

    // MARK: Once more

    /// Lets the events that wait for consent be looked at again: those that wait now.
    ///
    /// Those that still may not go are written anew, behind the others. Without any consent of the collector's own,
    /// nothing can have changed for them.
    func releaseHeld() {
        if state.withLock({ $0.present.consent.object.isEmpty }) { return }
        let tail = queue.bounds(of: .held(destination: destination)).tail
        state.withLock { state in
            state[.held].tail = max(state[.held].tail, tail)
            // Those that are being written have come before this, too.
            state.releasesAgain = state.keepingCount > 0
        }
        read(.held)
    }
}
