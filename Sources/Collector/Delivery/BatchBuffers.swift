/// Events that are gathered until enough have come or enough time has passed.
///
/// Events whose rule has batch options are gathered under the rule's key, all others of the destination together.
struct BatchBuffers {
    private struct Buffer {
        let options: ResolvedBatchOptions
        var pending = PendingDeliveries()
        let firstMilliseconds: Int
        var lastMilliseconds: Int

        var dueMilliseconds: Int {
            min(lastMilliseconds + options.waitMilliseconds, firstMilliseconds + options.ageMilliseconds)
        }
    }

    /// Batch options with every value known.
    struct ResolvedBatchOptions: Equatable {
        let waitMilliseconds: Int
        let size: Int
        let ageMilliseconds: Int

        init(rule: BatchOptions?, destination: BatchOptions?) {
            waitMilliseconds = rule?.waitMilliseconds ?? destination?.waitMilliseconds ?? 30_000
            size = rule?.size ?? destination?.size ?? 1000
            ageMilliseconds = rule?.ageMilliseconds ?? destination?.ageMilliseconds ?? 30_000
        }
    }

    /// What to do after an event was added.
    enum Action {
        /// The batch is full: deliver these.
        case deliver(PendingDeliveries)
        /// This is the batch's first event: look again after that many milliseconds.
        case wait(milliseconds: Int)
        case none
    }

    private var buffers: [String: Buffer] = [:]
    /// The key of events whose rule has no batch options; no rule can have it.
    static let sharedKey = ""

    var count: Int { buffers.values.reduce(0) { $0 + $1.pending.count } }

    mutating func add(
        _ delivery: Delivery,
        _ waiter: DeliveryWaiter,
        _ followUp: FollowUp?,
        key: String,
        options: ResolvedBatchOptions,
        nowMilliseconds: Int
    ) -> Action {
        var buffer =
            buffers[key]
            ?? Buffer(options: options, firstMilliseconds: nowMilliseconds, lastMilliseconds: nowMilliseconds)
        buffer.pending.append(delivery, waiter, followUp)
        buffer.lastMilliseconds = nowMilliseconds
        if buffer.pending.count >= buffer.options.size {
            buffers[key] = nil
            return .deliver(buffer.pending)
        }
        buffers[key] = buffer
        guard buffer.pending.count == 1 else { return .none }
        return .wait(milliseconds: buffer.dueMilliseconds - nowMilliseconds)
    }

    /// Looks at a batch whose time may have come: its events, or how long to wait still; nil if it is gone.
    mutating func check(_ key: String, nowMilliseconds: Int) -> Action {
        guard let buffer = buffers[key] else { return .none }
        guard nowMilliseconds >= buffer.dueMilliseconds else {
            return .wait(milliseconds: buffer.dueMilliseconds - nowMilliseconds)
        }
        buffers[key] = nil
        return .deliver(buffer.pending)
    }

    /// Takes everything gathered so far, batch by batch.
    mutating func takeAll() -> [PendingDeliveries] {
        exchange(&buffers, with: [:]).values.sorted { $0.firstMilliseconds < $1.firstMilliseconds }.map(\.pending)
    }
}
