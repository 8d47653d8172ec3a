import Collector
import EventJSON

// Reading how events are delivered: window, single writer, partitions, replicas, cluster.

extension RedisStreamsSettings {
    static let windows = 1...100_000
    static let replicaCounts = 1...1_000

    mutating func readDelivery(_ reader: inout RedisSettingsReader) {
        if let window = reader.wholeNumber("window", in: Self.windows) {
            configuration.limits.unansweredCommands = window
        }
        isSingleWriter = reader.flag("singleWriter") ?? false
        readPartitioning(&reader)
        readReplicaConfirmation(&reader)
    }

    private mutating func readPartitioning(_ reader: inout RedisSettingsReader) {
        guard let members = reader.object("partitioning") else { return }
        let streamKey = streamKey
        var read: RedisPartitioning?
        reader.read("partitioning", members) { reader in
            let count = reader.wholeNumber("count", in: RedisPartitioning.counts)
            let key = reader.text("key") ?? ""
            if count == nil, reader.members["count"].isMissing {
                reader.refuse("count", "is missing: over how many keys the stream is spread")
            }
            if key.isEmpty {
                reader.refuse("key", "is missing: the path of a value in the event, such as user.id")
            }
            reader.refuseUnknown(["count", "key"])
            read = count.map { RedisPartitioning(count: $0, key: key) }
        }
        if streamKey.contains("{"), streamKey.contains("}") {
            reader.refuse(
                "partitioning",
                "has no effect with the hash tag {…} in streamKey, which keeps all keys in one slot: remove one of them"
            )
        }
        partitioning = read
    }

    private mutating func readReplicaConfirmation(_ reader: inout RedisSettingsReader) {
        guard let members = reader.object("wait") else { return }
        let commandTimeout = configuration.commandTimeout
        var read: RedisReplicaConfirmation?
        reader.read("wait", members) { reader in
            let count = reader.wholeNumber("replicas", in: Self.replicaCounts)
            if count == nil, reader.members["replicas"].isMissing {
                reader.refuse("replicas", "is missing: how many replicas must have an entry")
            }
            let timeout = reader.milliseconds("timeout", in: RedisOptions.timeouts) ?? .milliseconds(1_000)
            if timeout >= commandTimeout {
                reader.refuse("timeout", "must be shorter than redis.options.commandTimeout")
            }
            reader.refuseUnknown(["replicas", "timeout"])
            read = count.map { RedisReplicaConfirmation(replicaCount: $0, timeout: timeout) }
        }
        replicaConfirmation = read
    }

    mutating func readCluster(_ reader: inout RedisSettingsReader) {
        let value = reader.members["cluster"]
        if value.isMissing || value.isNull || value.bool == false { return }
        if value.bool == true {
            clusterNodes = []
        } else if let members = reader.object("cluster") {
            var nodes: [RedisConfiguration.Endpoint] = []
            reader.read("cluster", members) { reader in
                nodes = RedisEndpointOptions.read("nodes", defaultPort: 6379, &reader) ?? []
                reader.refuseUnknown(["nodes"])
            }
            clusterNodes = nodes
        }
        if configuration.database != 0 {
            reader.refuse("cluster", "has database 0 only: remove db")
        }
        if configuration.sentinel != nil {
            reader.refuse("cluster", "does not go with sentinels: a cluster watches over itself; remove one of them")
        }
    }
}

// Where an event goes.

extension RedisStreamsSettings {
    /// The stream that a delivery goes to: the rule's, when it names one, even the empty text; else the settings'.
    func logicalStreamKey(of delivery: Delivery) -> String {
        delivery.rule?.settings["streamKey"].string ?? streamKey
    }

    /// The partition of that stream; 0 without partitioning.
    func partition(of delivery: Delivery) -> Int {
        partitioning?.partition(of: delivery.event) ?? 0
    }

    /// The key that a delivery is written to.
    func streamKey(of delivery: Delivery) -> String {
        let logical = logicalStreamKey(of: delivery)
        return partitioning == nil ? logical : "\(logical):\(partition(of: delivery))"
    }
}
