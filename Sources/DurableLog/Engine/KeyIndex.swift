import DequeModule

/// A message key in a stream.
struct StreamKey: Hashable, Sendable {
    let stream: UInt64
    let key: MessageKey
}

/// What is remembered of a key.
struct KeyEntry: Equatable, Sendable {
    /// Which of the stream's keys it is, from 0.
    var ordinal: UInt64
    var milliseconds: UInt64
    /// The end of the message that has it.
    var end: UInt64
}

/// Which keys streams have: recent ones in memory, older ones in the metadata.
struct KeyIndex: Sendable {
    private(set) var recent: [StreamKey: KeyEntry] = [:]
    /// In the order of arrival, for forgetting; those before `noted` are in the metadata.
    private var order: Deque<(key: StreamKey, entry: KeyEntry)> = []
    /// Durable keys that the metadata does not have yet.
    private(set) var unnoted: [(key: StreamKey, entry: KeyEntry)] = []
    /// Whether the metadata may have keys that are not in memory.
    var hasOlder = false

    /// The entry of a key, wherever it is.
    func entry(_ key: StreamKey, older: (StreamKey) -> KeyEntry?) -> KeyEntry? {
        recent[key] ?? (hasOlder ? older(key) : nil)
    }

    /// Remembers the keys of an append that was accepted.
    mutating func insert(_ append: AppendOperation, firstOrdinal: UInt64, ends: some Sequence<UInt64>) {
        guard let keys = append.keys else { return }
        var ordinal = firstOrdinal
        for (key, end) in zip(keys.keys, ends) {
            recent[StreamKey(stream: append.stream, key: key)] = KeyEntry(
                ordinal: ordinal,
                milliseconds: append.milliseconds,
                end: end
            )
            ordinal += 1
        }
    }

    /// Forgets the keys of an append that was refused after all.
    mutating func remove(_ append: AppendOperation) {
        for key in append.keys?.keys ?? [] { recent[StreamKey(stream: append.stream, key: key)] = nil }
    }

    /// An append with keys is durable.
    mutating func publish(_ append: AppendOperation) {
        for key in append.keys?.keys ?? [] {
            let key = StreamKey(stream: append.stream, key: key)
            guard let entry = recent[key] else { continue }
            order.append((key, entry))
            unnoted.append((key, entry))
        }
    }

    /// A stream is gone, and its keys with it.
    mutating func remove(stream: UInt64) {
        guard !recent.isEmpty else { return }
        recent = recent.filter { $0.key.stream != stream }
        order.removeAll { $0.key.stream == stream }
        unnoted.removeAll { $0.key.stream == stream }
    }

    /// Hands out the keys that the metadata is to note.
    mutating func takeUnnoted() -> [(key: StreamKey, entry: KeyEntry)] {
        let taken = unnoted
        unnoted = []
        return taken
    }

    /// The metadata did not note them after all.
    mutating func putBack(_ keys: [(key: StreamKey, entry: KeyEntry)]) { unnoted = keys + unnoted }

    /// Keeps no more than so many in memory, once the metadata has all of them.
    mutating func shrink(to maximumCount: Int) {
        guard unnoted.isEmpty else { return }
        while order.count > maximumCount, let oldest = order.popFirst() {
            hasOlder = true
            if recent[oldest.key] == oldest.entry { recent[oldest.key] = nil }
        }
    }
}
