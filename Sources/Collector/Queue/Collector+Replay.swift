import Synchronization

/// Why nothing is delivered once more.
public enum ReplayError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such destination, or it takes no events.
    case unknownDestination(String)
    /// Events live in memory only.
    case noQueue
    /// The range is empty, or lies outside what is kept.
    case nothing
    /// A replay to the destination is under way.
    case underWay

    /// One sentence.
    public var description: String {
        switch self {
        case .unknownDestination(let id): "there is no destination \"\(id)\" that takes events"
        case .noQueue: "events live in memory only: there is nothing to replay"
        case .nothing: "there is nothing to replay in that range"
        case .underWay: "a replay to the destination is under way: wait for its end"
        }
    }
}

extension Collector {
    /// Delivers events that are still in the queue once more, to one destination, under the rules it has now.
    ///
    /// `range` are positions; it is cut to what is kept. Returns when it began; a restart goes on with it.
    public func replay(_ range: Range<UInt64>, to destination: String) throws(ReplayError) {
        try replay(.replay, .events, range, to: destination)
    }

    /// Tries a destination's dead letters up to a position once more; what fails again is a dead letter again.
    public func replayDeadLetters(before end: UInt64 = .max, to destination: String) throws(ReplayError) {
        try replay(.deadLetters, .deadLetters(destination: destination), 0..<end, to: destination)
    }

    private func replay(
        _ feed: QueueFeed,
        _ stream: EventQueueStream,
        _ range: Range<UInt64>,
        to destination: String
    ) throws(ReplayError) {
        guard let queue else { throw .noQueue }
        guard let reader = worker(destination)?.reader else { throw .unknownDestination(destination) }
        let bounds = queue.bounds(of: stream)
        let cut = range.clamped(to: bounds.earliest..<max(bounds.earliest, bounds.tail))
        guard !cut.isEmpty else { throw .nothing }
        guard reader.replay(feed, from: cut.lowerBound, to: cut.upperBound) else { throw .underWay }
    }
}
