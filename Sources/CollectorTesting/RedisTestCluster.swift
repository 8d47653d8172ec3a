import Glibc

/// A Redis Cluster of a test's own: primaries that share the slots, each with a replica if asked for.
///
/// ```swift
/// let cluster = try RedisTestCluster(primaryCount: 3)
/// cluster.primaries[0].kill()
/// ```
public final class RedisTestCluster: Sendable {
    /// The nodes that had the slots at first, in the order of their slots.
    public let primaries: [RedisServer]
    /// The replicas of those, in the same order; none unless asked for.
    public let replicas: [RedisServer]

    /// Starts the nodes, shares the slots, and waits until all agree.
    ///
    /// With `speaksTLS` nodes and clients speak TLS; the certificates are arguments.
    public init(
        primaryCount: Int,
        withReplicas: Bool = false,
        speaksTLS: Bool = false,
        _ arguments: [String] = []
    ) throws {
        func makeNode() throws -> RedisServer {
            let busPort = try RedisServer.freePort()
            let own = [
                "--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port", String(busPort),
                "--cluster-replica-validity-factor", "0",
            ]
            return try RedisServer(own + arguments, listensOnTCP: true, speaksTLS: speaksTLS)
        }
        primaries = try (0..<primaryCount).map { _ in try makeNode() }
        replicas = withReplicas ? try (0..<primaryCount).map { _ in try makeNode() } : []
        for (number, node) in primaries.enumerated() {
            let slots = 16_384 * number / primaryCount...16_384 * (number + 1) / primaryCount - 1
            try Self.expectOK(node, "CLUSTER", "ADDSLOTSRANGE", String(slots.lowerBound), String(slots.upperBound))
            try Self.expectOK(node, "CLUSTER", "SET-CONFIG-EPOCH", String(number + 1))
        }
        let all = primaries + replicas
        for node in all.dropFirst() { try Self.introduce(node, to: all[0]) }
        try waitUntil("the nodes know each other") { try self.state(of: all, "cluster_known_nodes:\(all.count)") }
        for (number, replica) in replicas.enumerated() {
            try Self.expectOK(replica, "CLUSTER", "REPLICATE", try Self.identifier(of: primaries[number]))
        }
        try waitUntil("the cluster is up") { try self.state(of: all, "cluster_state:ok") }
        for replica in replicas {
            try waitUntil("the replicas have their primaries") {
                try replica.probe().command("INFO", "replication").text?.contains("master_link_status:up") == true
            }
        }
    }

    /// The node's identifier within the cluster.
    public static func identifier(of node: RedisServer) throws -> String {
        try node.probe().command("CLUSTER", "MYID").text ?? ""
    }

    /// Moves a slot without its keys' help: source and target say so to all primaries.
    public func assign(slot: Int, to target: RedisServer) throws {
        let identifier = try Self.identifier(of: target)
        for node in [target] + primaries.filter({ $0 !== target }) {
            try Self.expectOK(node, "CLUSTER", "SETSLOT", String(slot), "NODE", identifier)
        }
    }

    private static func introduce(_ node: RedisServer, to other: RedisServer) throws {
        let bus = try node.probe().command("CONFIG", "GET", "cluster-port").elements.last?.text ?? ""
        try expectOK(other, "CLUSTER", "MEET", "127.0.0.1", String(node.port ?? 0), bus)
    }

    private func state(of nodes: [RedisServer], _ line: String) throws -> Bool {
        try nodes.allSatisfy { try $0.probe().command("CLUSTER", "INFO").text?.contains(line + "\r\n") == true }
    }

    private static func expectOK(_ node: RedisServer, _ command: String...) throws {
        let reply = try node.probe().command(command.map { Array($0.utf8) })
        guard reply == .status("OK") else {
            throw TestSupportError("\(command.joined(separator: " ")) was answered with \(reply)")
        }
    }

    private func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw TestSupportError("not within 30 s: \(what)") }
            usleep(20_000)
        }
    }
}
