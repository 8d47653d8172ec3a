/// The streams that one destination takes events from.
enum QueueFeed: UInt8, Sendable, CaseIterable {
    /// What was accepted.
    case events
    /// What waited for consent and was let through.
    case held
    /// What is delivered once more because somebody asked for it.
    case replay
    /// Dead letters that are tried once more because somebody asked for it.
    case deadLetters
}

/// Where an event's record lies, so that a destination's cursor passes it when its fate is known.
struct QueuePlace: Hashable, Sendable {
    let feed: QueueFeed
    /// Which of the records that the destination took it is, from 0.
    let ordinal: UInt64
}

/// Which records may be given to a destination: so many beyond its durable cursor, which is what it may get a second
/// time after a crash.
struct QueueWindow: Sendable {
    private var ends = InlineArray<4, UInt64>(repeating: .max)

    /// The ordinal that is too large.
    subscript(feed: QueueFeed) -> UInt64 {
        get { ends[Int(feed.rawValue)] }
        set { ends[Int(feed.rawValue)] = newValue }
    }

    /// Whether an event may be given to the destination. Those that have no place always may.
    func allows(_ place: QueuePlace?) -> Bool {
        guard let place else { return true }
        return place.ordinal < self[place.feed]
    }
}
