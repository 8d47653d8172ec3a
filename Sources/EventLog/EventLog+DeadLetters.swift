public import Collector
import DurableLog
import Logging
import Synchronization

/// Keeping dead letters within their limit.
extension EventLog {
    struct SheddingState {
        var isAtWork = false
        var waiting: [@Sendable () -> Void] = []
        var droppedCount = 0
        /// Whether the next letter that is given up is worth a word.
        var warns = true
    }

    /// Dead letters of a destination that were given up since the log was opened.
    public func droppedCount(in stream: EventQueueStream) -> Int {
        guard case .deadLetters(let destination) = stream else { return 0 }
        return shedding.withLock { $0[destination]?.droppedCount ?? 0 }
    }

    /// Gives up the oldest letters if there are too many, an eighth at a time; then calls back.
    func shedDeadLetters(of destination: String, completion: @escaping @Sendable () -> Void) {
        guard let maximum = options.maximumDeadLetterByteCount else { return completion() }
        let isFirst = shedding.withLock { states in
            states[destination, default: SheddingState()].waiting.append(completion)
            return !exchange(&states[destination, default: SheddingState()].isAtWork, with: true)
        }
        if isFirst { shed(destination, maximum) }
    }

    private func shed(_ destination: String, _ maximum: Int) {
        let name = Self.name(of: .deadLetters(destination: destination))
        let status = try? store.status(of: name).get()
        let byteCount = Int(clamping: status?.byteCount ?? 0)
        guard let status, byteCount > maximum else {
            let waiting = shedding.withLock { states in
                if byteCount < maximum / 2 { states[destination]?.warns = true }
                states[destination]?.isAtWork = false
                return exchange(&states[destination, default: SheddingState()].waiting, with: [])
            }
            for completion in waiting { completion() }
            return
        }
        let excess = byteCount - maximum + maximum / 8
        count(name, from: status.earliest, byteCount: excess, counted: 0) { [self] end, count in
            guard let end, count > 0 else { return endShedding(destination) }
            store.trim(name, before: end, messageCount: UInt64(count)) { [self] result in
                guard case .success = result else { return endShedding(destination) }
                noteDropped(count, destination)
                shed(destination, maximum)
            }
        }
    }

    /// Finds the end of the messages that hold that many bytes, and how many they are.
    private func count(
        _ name: String,
        from offset: StreamOffset,
        byteCount: Int,
        counted: Int,
        completion: @escaping @Sendable (StreamOffset?, Int) -> Void
    ) {
        store.read(name, from: offset, maximumByteCount: 1 << 20) { [self] result in
            guard case .success(let page) = result, let last = page.messages.last else {
                return completion(counted > 0 ? offset : nil, counted)
            }
            var rest = byteCount
            for (index, message) in page.messages.enumerated() {
                rest -= message.range.count
                if rest <= 0 { return completion(message.end, counted + index + 1) }
            }
            let count = counted + page.messages.count
            self.count(name, from: last.end, byteCount: rest, counted: count, completion: completion)
        }
    }

    /// Lets those who wait go on although there are too many letters: those that come next try again.
    private func endShedding(_ destination: String) {
        logger.error("dead letters could not be given up", metadata: ["destination": "\(destination)"])
        let waiting = shedding.withLock { states in
            states[destination]?.isAtWork = false
            return exchange(&states[destination, default: SheddingState()].waiting, with: [])
        }
        for completion in waiting { completion() }
    }

    private func noteDropped(_ count: Int, _ destination: String) {
        let warns = shedding.withLock { states in
            states[destination, default: SheddingState()].droppedCount += count
            return exchange(&states[destination, default: SheddingState()].warns, with: false)
        }
        if warns {
            logger.warning(
                "there are more dead letters than may be kept: the oldest are given up",
                metadata: ["destination": "\(destination)"]
            )
        }
    }
}
