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

/// A key and what is remembered of it.
struct KeyRecord: Equatable, Sendable {
    var key: StreamKey
    var entry: KeyEntry
}

/// Which keys streams have: those since the last checkpoint in memory, older ones in runs on the disk.
struct KeyIndex: Sendable {
    private(set) var recent: [StreamKey: KeyEntry] = [:]
    /// Durable keys that no run has yet.
    private(set) var unnoted: [KeyRecord] = []
    /// Without runs: those before the ones that are not noted.
    private var before: [KeyRecord] = []

    /// The entry of a key, wherever it is.
    func entry(_ key: StreamKey, older: (StreamKey) -> KeyEntry?) -> KeyEntry? { recent[key] ?? older(key) }

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
            if let entry = recent[key] { unnoted.append(KeyRecord(key: key, entry: entry)) }
        }
    }

    /// A stream is gone, and its keys with it.
    mutating func remove(stream: UInt64) {
        guard !recent.isEmpty else { return }
        recent = recent.filter { $0.key.stream != stream }
        unnoted.removeAll { $0.key.stream == stream }
        before.removeAll { $0.key.stream == stream }
    }

    /// Hands out the keys that a run is to have.
    mutating func takeUnnoted() -> [KeyRecord] {
        let taken = unnoted
        unnoted = []
        return taken
    }

    /// No run has them after all.
    mutating func putBack(_ keys: [KeyRecord]) { unnoted = keys + unnoted }

    /// A run has them, or they are too many. What came again since stays.
    mutating func forget(_ keys: some Sequence<KeyRecord>) {
        for record in keys where recent[record.key] == record.entry { recent[record.key] = nil }
    }

    /// Without runs: keeps no more than so many, and no less than half of them.
    mutating func shrink(to maximumCount: Int) {
        guard unnoted.count > maximumCount / 2 else { return }
        forget(before)
        before = takeUnnoted()
    }
}
