/// Which node of a cluster has which slot, as far as is known.
struct RedisSlotMap: Equatable, Sendable {
    typealias Endpoint = RedisConfiguration.Endpoint

    /// More nodes than Redis Cluster can have: an answer with so many is none.
    static let maximumNodeCount = 1_000
    private static let nobody = UInt16.max

    private(set) var nodes: [Endpoint] = []
    /// By slot: the node's place in `nodes`.
    private var owners = [UInt16](repeating: nobody, count: RedisHashSlot.count)

    /// Nothing is known.
    init() {}

    /// Reads the answer to `CLUSTER SLOTS`; nil when it is none.
    ///
    /// Each element is `[first slot, last slot, primary, replicas…]`, each node `[host, port, …]`. A node without a
    /// host has the one that was asked.
    init?(_ reply: RedisReply, askedHost: String) {
        guard case .array(let ranges) = reply else { return nil }
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], case .array(let primary) = parts[2], primary.count >= 2,
                case .integer(let port) = primary[1], RedisOptions.ports.contains(Int(port)),
                first >= 0, first <= last, last < RedisHashSlot.count
            else { return nil }
            let host = primary[0].text ?? ""
            // The node's name is not known to the one that was asked.
            if host == "?" { continue }
            guard host.isEmpty || RedisOptions.isHost(host) else { return nil }
            let endpoint = Endpoint.tcp(host: host.isEmpty ? askedHost : host, port: Int(port))
            guard let node = place(of: endpoint) else { return nil }
            for slot in Int(first)...Int(last) { owners[slot] = node }
        }
    }

    /// The node that has a slot; nil when that is not known.
    func owner(of slot: Int) -> Endpoint? {
        let node = owners[slot]
        return node == Self.nobody ? nil : nodes[Int(node)]
    }

    /// A node said that another has the slot.
    mutating func move(_ slot: Int, to endpoint: Endpoint) {
        if let node = place(of: endpoint) { owners[slot] = node }
    }

    private mutating func place(of endpoint: Endpoint) -> UInt16? {
        if let known = nodes.firstIndex(of: endpoint) { return UInt16(known) }
        guard nodes.count < Self.maximumNodeCount else { return nil }
        nodes.append(endpoint)
        return UInt16(nodes.count - 1)
    }
}
