import Collector
import EventJSON

/// Spreads one logical stream over several keys, so that it outgrows one shard.
///
/// With the stream key `events`, three partitions and the key `user.id`, an event goes to `events:0`, `events:1` or
/// `events:2`. The partition is CRC-16 (XMODEM, as in Redis Cluster) of the value's text, modulo the count: all events
/// with the same value stay in one stream, in order, and readers can compute which. An event without the value is
/// spread by its `id`.
public struct RedisPartitioning: Sendable, Hashable {
    /// How many partitions a stream may have.
    public static let counts = 1...16_384

    /// How many keys the stream is spread over, 1…16384.
    ///
    /// Changing it moves values to other partitions.
    public var count: Int
    /// The path of the value in the event, such as `user.id`.
    public var key: String {
        didSet { path = MemberPath(key) }
    }
    /// The path taken apart, once.
    private var path: MemberPath

    /// Spreads over so many keys by the value at that path.
    public init(count: Int, key: String) {
        self.count = min(max(count, Self.counts.lowerBound), Self.counts.upperBound)
        self.key = key
        path = MemberPath(key)
    }

    /// The partition of an event.
    func partition(of event: Event) -> Int {
        guard count > 1 else { return 0 }
        var value = path.value(in: event)
        if value.isMissing || value.isNull { value = MemberPath("id").value(in: event) }
        let text = value.string.map { Array($0.utf8) } ?? (value.isMissing ? [] : value.jsonText)
        return Int(RedisHashSlot.checksum(text)) % count
    }

    /// Partitionings are equal when count and key are.
    public static func == (left: RedisPartitioning, right: RedisPartitioning) -> Bool {
        left.count == right.count && left.path == right.path
    }

    /// Hashes count and key.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(ExactString(key))
    }
}

/// How many replicas must have an entry before it counts as delivered (`WAIT`).
public struct RedisReplicaConfirmation: Sendable, Hashable {
    /// How many replicas, at least 1.
    public var replicaCount: Int
    /// How long to wait for them; shorter than the command timeout.
    public var timeout: Duration

    /// Waits for so many replicas.
    public init(replicaCount: Int, timeout: Duration = .milliseconds(1_000)) {
        self.replicaCount = replicaCount
        self.timeout = timeout
    }
}
