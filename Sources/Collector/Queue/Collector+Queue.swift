import EventJSON
import Logging
import Synchronization

/// Writing accepted events to the queue, and offering them to the destinations once they are there.
extension Collector {
    /// An accepted event on its way into the queue.
    struct OutgoingRecord: Sendable {
        let event: Event
        let snapshot: StateSnapshot
        let options: PushOptions
        let tracker: PushTracker
        let index: Int
    }

    /// Whether a push resolves when its events are on stable storage, and waits for no destination.
    public var storesEvents: Bool { queue != nil }

    /// Writes events that one push brought, all or none. Called outside the lock, with what was accepted under it.
    func write(_ records: [OutgoingRecord]) {
        guard let queue, !records.isEmpty else { return }
        let batch = Self.batch(of: records)
        let byteCounts = batch.byteCounts
        queue.append(batch, to: .events) { result in
            guard let error = self.finish(records, byteCounts, result) else { return }
            self.wait(records, for: error, byteCount: byteCounts.reduce(0, +))
        }
    }

    private static func batch(of records: [OutgoingRecord]) -> EventQueueBatch {
        var batch = EventQueueBatch()
        batch.byteCounts.reserveCapacity(records.count)
        batch.bytes.reserveCapacity(records.reduce(0) { $0 + $1.event.byteCount + 64 })
        for record in records {
            let start = batch.bytes.count
            EventRecord.append(record.event, .init(record.snapshot, record.options), to: &batch.bytes)
            batch.byteCounts.append(batch.bytes.count - start)
        }
        // What has an id from here only cannot come a second time, and need not be remembered.
        if records.contains(where: { !$0.event.hasOwnID }) { batch.ids = records.map(\.event.id) }
        return batch
    }

    /// Does what follows from a write; gives the error if there was no room, and nothing follows yet.
    private func finish(
        _ records: [OutgoingRecord],
        _ byteCounts: [Int],
        _ result: Result<EventQueueReceipt, EventQueueError>
    ) -> EventQueueError? {
        switch result {
        case .success(let receipt): offer(records, byteCounts, receipt)
        case .failure(let error):
            if case .full = error { return error }
            refuse(records, error)
        }
        return nil
    }

    /// Lets a push wait for room.
    private func wait(_ records: [OutgoingRecord], for error: EventQueueError, byteCount: Int) {
        guard let queue, let relief else { return refuse(records, error) }
        let push = QueueRelief.Push(
            byteCount: byteCount,
            write: { completion in
                let batch = Self.batch(of: records)
                let byteCounts = batch.byteCounts
                queue.append(batch, to: .events) { completion(self.finish(records, byteCounts, $0)) }
            },
            refuse: { self.refuse(records, $0) }
        )
        relief.add(push, refusedFor: error)
    }

    /// Tells destinations and senders of events that are on stable storage. Called in the order of the records.
    private func offer(_ records: [OutgoingRecord], _ byteCounts: [Int], _ receipt: EventQueueReceipt) {
        let readers = readers.list
        var duplicates = receipt.duplicates[...]
        var start = receipt.start
        for (place, record) in records.enumerated() {
            if duplicates.first == place {
                duplicates.removeFirst()
                record.tracker.update(record.index) { $0.isDuplicate = true }
                continue
            }
            counters.countAccepted()
            let end = start + UInt64(byteCounts[place]) + 1
            for reader in readers { reader.offer(record.event, record.snapshot, record.options, at: start..<end) }
            start = end
        }
        for reader in readers { reader.wake() }
        for record in records { record.tracker.settle(record.index, nil) }
    }

    private func refuse(_ records: [OutgoingRecord], _ error: EventQueueError) {
        logger.error("events were not written", metadata: ["error": "\(error)"])
        for record in records {
            counters.countFailed()
            record.tracker.update(record.index) { result in
                result.event = nil
                result.error = PushResult.storageReason
                result.isTemporary = true
            }
            record.tracker.settle(record.index, nil)
        }
    }

    /// Lets workers have the queue's events.
    func attach(_ workers: [DeliveryWorker]) {
        for worker in workers where !worker.configuration.isDisabled { worker.reader?.attach(worker) }
    }

    /// The readers of the destinations that are in place.
    func noteReaders(_ state: CollectorState) {
        guard queue != nil else { return }
        readers.list = state.workers.filter { !$0.configuration.isDisabled }.compactMap(\.reader)
    }
}

/// The readers of the destinations that are in place. A lock of its own, for it is taken by the queue's thread for every
/// append.
final class QueueReaders: Sendable {
    private let state = Mutex<[QueueReader]>([])

    var list: [QueueReader] {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
