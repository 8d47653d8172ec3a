/// Collects what the reader finds, until the batch has all its replies.
///
/// The reader calls the `add` functions once per value; nothing is allocated per reply once the arrays have grown.
struct RedisReplyBuilder {
    private var replies = RedisReplies()
    private var completeBytes = 0
    private var completeNodes = 0
    /// Bytes of one reply at most; set while no reply is incomplete.
    var maximumReplyBytes: Int

    /// True when the reader was told to stop because a reply is too large.
    private(set) var refusedSize = false

    init(maximumReplyBytes: Int) {
        self.maximumReplyBytes = maximumReplyBytes
    }

    /// How many complete replies wait to be taken.
    var count: Int { replies.count }

    /// Roughly how many bytes of an incomplete reply were taken from the connection.
    var partialBytes: Int {
        replies.bytes.count - completeBytes + (replies.nodes.count - completeNodes) * 4
    }

    /// Adds a status, bulk or error text.
    ///
    /// False: the reply is too large, stop reading.
    mutating func add(_ kind: RedisReplies.Node.Kind, text: UnsafeRawBufferPointer) -> Bool {
        guard partialBytes + text.count <= maximumReplyBytes else { return refuseSize() }
        replies.nodes.append(.init(kind: kind, value: replies.bytes.count, length: text.count))
        replies.bytes.append(contentsOf: text)
        return true
    }

    /// Adds an integer.
    ///
    /// False: the reply is too large, stop reading.
    mutating func add(integer: Int) -> Bool {
        add(.init(kind: .integer, value: integer, length: 0))
    }

    /// Adds the absence of a value.
    ///
    /// False: the reply is too large, stop reading.
    mutating func addNull() -> Bool {
        add(.init(kind: .null, value: 0, length: 0))
    }

    /// Begins an array of which the elements follow.
    ///
    /// False: the reply is too large, stop reading.
    mutating func add(arrayOf elementCount: Int) -> Bool {
        guard elementCount <= maximumReplyBytes / 4 else { return refuseSize() }
        return add(.init(kind: .array, value: 0, length: elementCount))
    }

    private mutating func add(_ node: RedisReplies.Node) -> Bool {
        guard partialBytes <= maximumReplyBytes else { return refuseSize() }
        replies.nodes.append(node)
        return true
    }

    private mutating func refuseSize() -> Bool {
        refusedSize = true
        return false
    }

    /// The values added since the last call are one reply.
    mutating func finishReply() {
        replies.roots.append(completeNodes)
        completeBytes = replies.bytes.count
        completeNodes = replies.nodes.count
    }

    /// True when the newest complete reply is an error.
    var lastIsError: Bool {
        guard let root = replies.roots.last else { return false }
        return replies.nodes[root].kind == .error
    }

    /// The newest complete reply as a value; nil when there is none.
    var lastReply: RedisReply? {
        replies.count == 0 ? nil : replies[replies.count - 1]
    }

    /// Takes the newest complete reply out again: it answers the client itself, not a caller.
    mutating func removeLastReply() {
        guard replies.count > 0 else { return }
        let root = replies.roots.removeLast()
        let node = replies.nodes[root...].first { $0.kind != .integer && $0.kind != .null && $0.kind != .array }
        replies.nodes.removeSubrange(root...)
        if let node {
            replies.bytes.removeSubrange(node.value...)
        }
        completeBytes = replies.bytes.count
        completeNodes = replies.nodes.count
    }

    /// Forgets an incomplete reply: its connection is gone.
    mutating func discardPartialReply() {
        replies.bytes.removeSubrange(completeBytes...)
        replies.nodes.removeSubrange(completeNodes...)
        refusedSize = false
    }

    /// Hands out the replies of one batch and begins the next.
    ///
    /// Call it only between two replies.
    mutating func take(commandCount: Int, failure: RedisError? = nil) -> RedisReplies {
        var taken = RedisReplies()
        swap(&taken, &replies)
        completeBytes = 0
        completeNodes = 0
        taken.commandCount = commandCount
        taken.failure = failure
        return taken
    }

    /// Takes the arrays back after use, so that the next batch allocates nothing.
    mutating func recycle(_ used: consuming RedisReplies) {
        guard replies.nodes.isEmpty, replies.bytes.isEmpty, used.bytes.capacity <= 1 << 16 else { return }
        used.bytes.removeAll(keepingCapacity: true)
        used.nodes.removeAll(keepingCapacity: true)
        used.roots.removeAll(keepingCapacity: true)
        used.failure = nil
        replies = used
    }
}
