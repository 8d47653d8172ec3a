/// The replies to the commands of one batch, in order, in two flat arrays instead of one object each.
///
/// When ``failure`` is set, the commands after the last reply have none: whether Redis executed them is unknown.
struct RedisReplies: Sendable {
    /// One value of a reply; an array's elements are the nodes that follow it.
    struct Node: Sendable, Equatable {
        enum Kind: UInt8, Sendable {
            case status
            case integer
            case bulk
            case null
            case array
            case error
        }

        let kind: Kind
        /// Where the text begins in ``RedisReplies/bytes``; the value itself for an integer.
        let value: Int
        /// Bytes of text, or elements of an array.
        let length: Int
    }

    var bytes: [UInt8] = []
    var nodes: [Node] = []
    /// The first node of each reply.
    var roots: [Int] = []
    /// How many commands the batch had.
    var commandCount = 0
    /// Why the commands without a reply have none.
    var failure: RedisError?

    /// How many commands were answered.
    var count: Int { roots.count }

    /// The batch's commands all failed for the same reason.
    static func failed(commandCount: Int, _ error: RedisError) -> RedisReplies {
        RedisReplies(commandCount: commandCount, failure: error)
    }

    /// The kind of a reply, without making a value of it.
    func kind(at index: Int) -> Node.Kind {
        nodes[roots[index]].kind
    }

    /// The text of a status, bulk or error reply as it came.
    func rawBytes(at index: Int) -> ArraySlice<UInt8> {
        let node = nodes[roots[index]]
        switch node.kind {
        case .status, .bulk, .error: return bytes[node.value..<node.value + node.length]
        case .integer, .null, .array: return []
        }
    }

    /// A reply as a value.
    subscript(index: Int) -> RedisReply {
        var position = roots[index]
        return reply(&position)
    }

    private func reply(_ position: inout Int) -> RedisReply {
        let node = nodes[position]
        position += 1
        switch node.kind {
        case .status: return .status(RedisText.printable(text(node)))
        case .integer: return .integer(Int64(node.value))
        case .bulk: return .bulk(Array(text(node)))
        case .null: return .null
        case .error: return .error(RedisText.printable(text(node)))
        case .array:
            var elements: [RedisReply] = []
            for _ in 0..<node.length {
                elements.append(reply(&position))
            }
            return .array(elements)
        }
    }

    private func text(_ node: Node) -> ArraySlice<UInt8> {
        bytes[node.value..<node.value + node.length]
    }
}
