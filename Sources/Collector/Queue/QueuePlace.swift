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

/// Which records may be given to a destination: those behind what was given up, and only so many beyond its durable
/// cursor, which is what it may get a second time after a crash.
struct QueueWindow: Sendable {
    private var begins = InlineArray<4, UInt64>(repeating: 0)
    private var ends = InlineArray<4, UInt64>(repeating: .max)
    /// Whether anything was given up.
    private(set) var hasBegins = false

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

    /// Notes that records before an ordinal were given up.
    mutating func begin(_ feed: QueueFeed, at ordinal: UInt64) {
        begins[Int(feed.rawValue)] = max(begins[Int(feed.rawValue)], ordinal)
        hasBegins = hasBegins || ordinal > 0
    }

    /// Whether the record was given up: it is a dead letter, and not for the destination any more.
    func isGivenUp(_ place: QueuePlace?) -> Bool {
        guard hasBegins, let place else { return false }
        return place.ordinal < begins[Int(place.feed.rawValue)]
    }
}
