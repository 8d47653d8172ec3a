public import Collector
import EventJSON

extension RedisStreamsDestination: PreviewableDestination {
    /// The XADD command of the event, argument by argument; empty while the settings are not known.
    public func preview(_ delivery: Delivery) -> [String] {
        guard let suppliedSettings else { return [] }
        let arguments = RedisStreamsCommand.arguments(for: delivery, settings: suppliedSettings)
        return ["XADD"] + arguments.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension DestinationType {
    /// Writes events to Redis Streams.
    public static let redis = DestinationType(
        name: "redis",
        packages: ["@walkeros/server-destination-redis"],
        summary: "Adds each event to a Redis stream, pipelined over one connection.",
        settings: [
            SettingDescription(
                "redis",
                .object(redisSettings),
                isRequired: true,
                "Where Redis is and how it is written."
            )
        ],
        ruleSettings: [
            SettingDescription("streamKey", .string, "The stream for the rule's events.")
        ]
    ) { settings, path, problems in
        let count = problems.list.count
        let parsed = RedisStreamsSettings(settings, path: path, problems: &problems)
        return RedisStreamsDestination(settings: problems.list.count == count ? parsed : nil)
    }

    private static let redisSettings = [
        SettingDescription("streamKey", .string, isRequired: true, "The stream that events are added to."),
        SettingDescription(
            "url",
            .string,
            "redis://[user[:password]@]host[:port][/db], rediss:// for TLS, or unix:///path; wins over options."
        ),
        SettingDescription(
            "options",
            .object(connectionOptions),
            default: "localhost:6379",
            "Where Redis is, named as in ioredis."
        ),
        SettingDescription(
            "maxLen",
            .integer(0...Int.max),
            default: "0 (all)",
            "Entries that the stream keeps; older ones are trimmed."
        ),
        SettingDescription("exactTrimming", .boolean, default: "false", "Keep exactly maxLen entries, at a cost."),
        SettingDescription(
            "serialization",
            .choice(RedisStreamsSettings.Serialization.allCases.map(\.rawValue)),
            default: "json",
            "One field \"event\" with JSON, or one field per member."
        ),
        SettingDescription(
            "window",
            .integer(RedisStreamsSettings.windows),
            default: "256",
            "Commands written and not answered at most: so many may be written twice after a lost connection."
        ),
        SettingDescription(
            "singleWriter",
            .boolean,
            default: "false",
            "Nobody else writes to the streams: entry ids are chosen here, and nothing is written twice."
        ),
        SettingDescription(
            "partitioning",
            .object([
                SettingDescription(
                    "count",
                    .integer(RedisPartitioning.counts),
                    isRequired: true,
                    "How many keys a stream is spread over."
                ),
                SettingDescription("key", .string, isRequired: true, "The path in the event, such as user.id."),
            ]),
            "Spread each stream over several keys by a value of the event."
        ),
        SettingDescription(
            "wait",
            .object([
                SettingDescription(
                    "replicas",
                    .integer(RedisStreamsSettings.replicaCounts),
                    isRequired: true,
                    "How many replicas must have an entry before it counts as delivered."
                ),
                SettingDescription(
                    "timeout",
                    .integer(1...3_600_000),
                    default: "1000",
                    "Milliseconds to wait for them."
                ),
            ]),
            "Wait for replicas."
        ),
        SettingDescription(
            "cluster",
            .oneOf([.boolean, .object([SettingDescription("nodes", endpoints, "More nodes to ask.")])]),
            default: "false",
            "true when Redis is a cluster, or {\"nodes\": [\"host:port\"]} with more nodes to ask."
        ),
    ]

    private static let connectionOptions = [
        SettingDescription("host", .string, default: "localhost", "The host."),
        SettingDescription("port", .integer(1...65_535), default: "6379", "The port."),
        SettingDescription("path", .string, "A unix socket instead of host and port."),
        SettingDescription("username", .string, "The ACL user."),
        SettingDescription("password", .string, "The password; write $secret.NAME."),
        SettingDescription("db", .integer(0...Int(Int32.max)), default: "0", "The database's number."),
        SettingDescription("connectionName", .string, default: "collectord", "The name in CLIENT LIST."),
        SettingDescription("connectTimeout", .integer(1...3_600_000), default: "5000", "Milliseconds to connect."),
        SettingDescription("commandTimeout", .integer(1...3_600_000), default: "10000", "Milliseconds to a reply."),
        SettingDescription(
            "keepAlive",
            .integer(0...3_600_000),
            default: "15000",
            "Milliseconds between TCP keep-alives."
        ),
        SettingDescription(
            "tls",
            .oneOf([.boolean, .object(tlsOptions)]),
            "Speak TLS; true for the system's authorities."
        ),
        SettingDescription("sentinels", endpoints, "Sentinels that know the primary."),
        SettingDescription("name", .string, "What the Sentinels call the primary."),
        SettingDescription("sentinelUsername", .string, "The ACL user for the Sentinels."),
        SettingDescription("sentinelPassword", .string, "The password for the Sentinels; write $secret.NAME."),
        SettingDescription("sentinelTLS", .oneOf([.boolean, .object(tlsOptions)]), "As tls, for the Sentinels."),
    ]

    private static let tlsOptions = [
        SettingDescription("ca", .string, "Whom to trust: PEM, or a file's absolute path."),
        SettingDescription("cert", .string, "The client's certificate: PEM, or a file's absolute path."),
        SettingDescription("key", .string, "Its key, without a passphrase; write $secret.NAME."),
        SettingDescription("servername", .string, "The name to look for in the server's certificate."),
        SettingDescription("rejectUnauthorized", .boolean, default: "true", "Cannot be false."),
    ]

    /// "host:port", or an object.
    private static let endpoints = SettingDescription.Kind.list(
        .oneOf([
            .string,
            .object([
                SettingDescription("host", .string, "The host."),
                SettingDescription("port", .integer(1...65_535), "The port."),
            ]),
        ])
    )
}
