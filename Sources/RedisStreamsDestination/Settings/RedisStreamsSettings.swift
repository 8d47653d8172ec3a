public import Collector
public import EventJSON

/// The settings of a Redis Streams destination: `config.settings`.
///
/// ```json
/// { "redis": { "url": "redis://localhost:6379", "streamKey": "walkeros:events", "maxLen": 1000000 } }
/// ```
///
/// | member of `redis` | type | default | meaning |
/// |---|---|---|---|
/// | `streamKey` | text, not empty | required | the stream that events are added to; a rule's `settings.streamKey` replaces it |
/// | `url` | text | none | where Redis is, see ``RedisConfiguration/init(url:)``; wins over `options` |
/// | `options` | object | `{}` | where Redis is, by members named as in ioredis: `host`, `port`, `path`, `username`, `password`, `db`, `connectionName`, `connectTimeout`, `commandTimeout`, `keepAlive`, `tls`, `sentinels`, `name` |
/// | `maxLen` | whole number, 0 or more | 0: off | entries that the stream keeps at least; older ones are removed |
/// | `exactTrimming` | true or false | false | keep exactly `maxLen` entries, which costs Redis more; no effect without `maxLen` |
/// | `window` | whole number, 1…100000 | 256 | commands written and not answered at most: so many may be written twice after a lost connection |
/// | `singleWriter` | true or false | false | nobody else writes to the streams: entry ids are chosen here, and nothing is written twice |
/// | `partitioning` | `{ "count": 1…16384, "key": "user.id" }` | off | spread each stream over several keys, see ``RedisPartitioning`` |
/// | `wait` | `{ "replicas": 1…, "timeout": milliseconds }` | off | an event counts as delivered when so many replicas have it |
/// | `cluster` | true, or `{ "nodes": ["host:port", …] }` | false | Redis is a cluster; `nodes` are asked besides the one in `url` or `options` |
/// | `serialization` | `"json"` or `"flat"` | `"json"` | one field `event` with the event's JSON text, or one field per member |
///
/// `null` is the same as leaving a member out. Members beside `redis` are dropped, as walkerOS does. Everything else
/// that is not in the table is refused, all at once, with the nearest known name.
public struct RedisStreamsSettings: Sendable, Hashable {
    /// How an event becomes fields and values of a stream entry.
    public enum Serialization: String, Sendable, Hashable, CaseIterable {
        /// One field `event`; its value is the event's JSON text.
        case json
        /// One field per member of the event; objects and arrays as JSON text, everything else as plain text.
        case flat
    }

    /// The stream that events are added to.
    public var streamKey: String
    /// How many entries the stream keeps at least; nil: all.
    public var maximumLength: Int?
    /// Keep exactly ``maximumLength`` entries.
    public var trimsExactly = false
    /// How an event becomes fields and values.
    public var serialization = Serialization.json
    /// Nobody else writes to the streams: the ids of entries are chosen here, so that a retry makes no duplicate.
    public var isSingleWriter = false
    /// How each stream is spread over several keys; nil: it has one.
    public var partitioning: RedisPartitioning?
    /// How many replicas must have an entry; nil: the primary's answer is enough.
    public var replicaConfirmation: RedisReplicaConfirmation?
    /// More nodes to ask about the cluster, besides the configuration's; nil: Redis is no cluster.
    public var clusterNodes: [RedisConfiguration.Endpoint]?
    /// Where Redis is.
    public var configuration = RedisConfiguration()
    /// Sentences about settings that were accepted but have no effect.
    public internal(set) var notices: [String] = []

    /// The settings for one stream in the Redis on this machine.
    public init(streamKey: String) {
        self.streamKey = streamKey
    }

    /// Reads and checks `config.settings`.
    ///
    /// - Throws: ``RedisSettingsError`` with everything that is wrong. Without a stream key the message is exactly
    ///   `Config settings redis.streamKey missing`, as in walkerOS.
    public init(_ settings: JSONValue) throws(RedisSettingsError) {
        var problems = ConfigurationProblems()
        self.init(settings, problems: &problems)
        guard problems.isEmpty else { throw RedisSettingsError(problems: problems.list) }
    }

    /// Reads and checks `config.settings`, as part of a larger configuration.
    ///
    /// What cannot be honoured is added to `problems`; the default then stands.
    public init(_ settings: JSONValue, path: [String] = ["settings"], problems: inout ConfigurationProblems) {
        let path = path + ["redis"]
        let redis = settings["redis"]
        if redis.object == nil, !redis.isMissing, !redis.isNull {
            problems.add(path, "must be an object, not a \(redis.kindName)")
        }
        var reader = RedisSettingsReader(redis.object ?? [:], path: path, problems: problems)
        self.init(streamKey: Self.readStreamKey(&reader))
        readConnection(&reader)
        readTrimming(&reader)
        readSerialization(&reader)
        readDelivery(&reader)
        readCluster(&reader)
        reader.refuseUnknown([
            "url", "options", "streamKey", "maxLen", "exactTrimming", "serialization", "window", "singleWriter",
            "partitioning", "wait", "cluster",
        ])
        problems = reader.problems
    }
}

extension RedisStreamsSettings {
    static let missingStreamKey = "Config settings redis.streamKey missing"

    private static func readStreamKey(_ reader: inout RedisSettingsReader) -> String {
        guard reader.members["streamKey"].isTruthy else {
            reader.refuse("streamKey", missingStreamKey)
            return ""
        }
        return reader.text("streamKey") ?? ""
    }

    private mutating func readConnection(_ reader: inout RedisSettingsReader) {
        let options = reader.object("options")
        let url = reader.text("url") ?? ""
        guard url.isEmpty else {
            reader.check("url") { () throws(RedisError) in configuration = try RedisConfiguration(url: url) }
            if options?.isEmpty == false {
                notices.append("settings.redis.options has no effect beside settings.redis.url: remove one of them")
            }
            return
        }
        reader.read("options", options ?? [:]) { reader in
            var ignored: [String] = []
            configuration = RedisConfiguration(options: &reader, ignored: &ignored)
            notices += ignored.map { "settings.redis.options.\($0) steers ioredis only and has no effect here" }
        }
    }

    private mutating func readTrimming(_ reader: inout RedisSettingsReader) {
        let length = reader.wholeNumber("maxLen", in: 0...Int.max) ?? 0
        maximumLength = length > 0 ? length : nil
        trimsExactly = reader.flag("exactTrimming") ?? false
    }

    private mutating func readSerialization(_ reader: inout RedisSettingsReader) {
        guard let text = reader.text("serialization") else { return }
        guard let known = Serialization(rawValue: text) else {
            reader.refuse("serialization", "must be \"json\" or \"flat\"")
            return
        }
        serialization = known
    }
}
