import Collector
import EventJSON
import Testing

@testable import RedisStreamsDestination

@Suite("Settings")
struct RedisStreamsSettingsTests {
    private func settings(_ redis: JSONValue) throws -> RedisStreamsSettings {
        try RedisStreamsSettings(["redis": redis])
    }

    @Test("defaults")
    func defaults() throws {
        let settings = try settings(["streamKey": "s"])
        #expect(settings == RedisStreamsSettings(streamKey: "s"))
        #expect(settings.maximumLength == nil)
        #expect(!settings.trimsExactly)
        #expect(settings.serialization == .json)
        #expect(settings.configuration.description == "redis://localhost:6379/0")
    }

    @Test("everything that can be set")
    func everything() throws {
        let settings = try settings([
            "streamKey": "s", "maxLen": 5, "exactTrimming": true, "serialization": "flat",
            "options": [
                "host": "h", "port": "7000", "db": 2, "username": "u", "password": "p", "connectionName": "n",
                "connectTimeout": 1, "commandTimeout": 2, "keepAlive": 3000, "tls": nil, "maxRetriesPerRequest": nil,
            ],
        ])
        #expect(settings.maximumLength == 5)
        #expect(settings.trimsExactly)
        #expect(settings.serialization == .flat)
        let configuration = settings.configuration
        #expect(configuration.endpoint == .tcp(host: "h", port: 7000))
        #expect(configuration.database == 2)
        #expect(configuration.username == "u")
        #expect(configuration.password == "p")
        #expect(configuration.clientName == "n")
        #expect(configuration.connectTimeout == .milliseconds(1))
        #expect(configuration.commandTimeout == .milliseconds(2))
        #expect(configuration.keepAlive == .seconds(3))
        #expect(
            settings.notices == [
                "settings.redis.options.maxRetriesPerRequest steers ioredis only and has no effect here"
            ]
        )
    }

    @Test("how events are delivered")
    func delivery() throws {
        let settings = try settings([
            "streamKey": "s", "window": 17, "singleWriter": true, "partitioning": ["count": 4, "key": "user.id"],
            "wait": ["replicas": 2, "timeout": 300], "cluster": ["nodes": ["a", "b:7", ["host": "c"], "[::1]:8"]],
        ])
        #expect(settings.configuration.limits.unansweredCommands == 17)
        #expect(settings.isSingleWriter)
        #expect(settings.partitioning == RedisPartitioning(count: 4, key: "user.id"))
        #expect(settings.partitioning != RedisPartitioning(count: 4, key: "user.name"))
        #expect(
            settings.replicaConfirmation == RedisReplicaConfirmation(replicaCount: 2, timeout: .milliseconds(300))
        )
        let nodes: [RedisConfiguration.Endpoint] = [
            .tcp(host: "a", port: 6379), .tcp(host: "b", port: 7), .tcp(host: "c", port: 6379),
            .tcp(host: "::1", port: 8),
        ]
        #expect(settings.clusterNodes == nodes)
        #expect(try self.settings(["streamKey": "s", "cluster": true]).clusterNodes == [])
        #expect(try self.settings(["streamKey": "s", "cluster": false]).clusterNodes == nil)
    }

    @Test("TLS and Sentinel")
    func connections() throws {
        let pem = "-----BEGIN PRIVATE KEY-----"
        let configuration = try settings([
            "streamKey": "s",
            "options": [
                "host": "h", "tls": ["ca": "/ca.pem", "cert": "/c.pem", "key": .string(pem), "servername": "n"],
                "sentinels": [["host": "a", "port": "5"], "b"], "name": "m", "sentinelUsername": "u",
                "sentinelPassword": "p", "sentinelTLS": true,
            ],
        ]).configuration
        #expect(configuration.tls?.authorities == .file("/ca.pem"))
        #expect(configuration.tls?.certificate == .file("/c.pem"))
        #expect(configuration.tls?.key == .text(RedisSecret(pem)))
        #expect(configuration.tls?.serverName == "n")
        #expect(configuration.sentinel?.endpoints == [.tcp(host: "a", port: 5), .tcp(host: "b", port: 26_379)])
        #expect(configuration.sentinel?.primaryName == "m")
        #expect(configuration.sentinel?.username == "u")
        #expect(configuration.sentinel?.password == "p")
        #expect(configuration.sentinel?.tls == RedisTLS())
        #expect(try settings(["streamKey": "s", "options": ["tls": true]]).configuration.tls == RedisTLS())
        #expect(try settings(["streamKey": "s", "options": ["tls": false]]).configuration.tls == nil)
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration)\(dumped)\(configuration.tls as Any)".contains("PRIVATE"))
    }

    @Test("a path wins over host and port, a url over all options, null is nothing")
    func precedence() throws {
        #expect(
            try settings(["streamKey": "s", "options": ["host": "h", "path": "/p"]]).configuration.endpoint
                == .unix(path: "/p")
        )
        let both = try settings(["streamKey": "s", "url": "redis://u", "options": ["host": "h"]])
        #expect(both.configuration.endpoint == .tcp(host: "u", port: 6379))
        #expect(both.notices.count == 1)
        let nothing = try settings(["streamKey": "s", "url": nil, "options": nil, "maxLen": nil, "exactTrimming": nil])
        #expect(nothing == RedisStreamsSettings(streamKey: "s"))
        let empty = try settings(["streamKey": "s", "url": "", "maxLen": 0, "options": ["password": "", "path": ""]])
        #expect(empty == RedisStreamsSettings(streamKey: "s"))
    }

    @Test("a missing stream key is told in walkerOS' words")
    func missingStreamKey() {
        let cases: [JSONValue] = [
            .missing, [:], ["redis": nil], ["redis": [:]], ["redis": ["streamKey": ""]], ["redis": ["streamKey": nil]],
            ["redis": ["streamKey": 0]], ["redis": ["streamKey": false]],
        ]
        for value in cases {
            let error = #expect(throws: RedisSettingsError.self) { try RedisStreamsSettings(value) }
            #expect(error.map { "\($0)" } == "Config settings redis.streamKey missing")
        }
    }

    private static let wrong: [(redis: JSONValue, path: String, named: String)] = [
        (["streamKey": 5], "streamKey", "a text"),
        (["streamKey": ["a"]], "streamKey", "a text"),
        (["url": 5], "url", "a text"),
        (["url": "redis://h:hunter2"], "url", "port"),
        (["options": "hunter2"], "options", "an object"),
        (["maxLen": 10.5], "maxLen", "a whole number of at least 0, not 10.5"),
        (["maxLen": -1], "maxLen", "at least 0"),
        (["maxLen": "10"], "maxLen", "a whole number"),
        (["maxLen": true], "maxLen", "a whole number"),
        (["maxLen": 1e30], "maxLen", "a whole number"),
        (["exactTrimming": "yes"], "exactTrimming", "true or false"),
        (["exactTrimming": 1], "exactTrimming", "true or false"),
        (["serialization": "xml"], "serialization", "\"json\" or \"flat\""),
        (["serialization": ""], "serialization", "\"json\" or \"flat\""),
        (["serialization": 1], "serialization", "a text"),
        (["foo": 1], "foo", "unknown"),
        (["maxlen": 1], "maxlen", "did you mean \"maxLen\"?"),
        (["stream": 1], "stream", "unknown"),
        (["options": ["hsot": "h"]], "options.hsot", "did you mean \"host\"?"),
        (["options": ["port": 0]], "options.port", "1 to 65535"),
        (["options": ["port": "x"]], "options.port", "1 to 65535"),
        (["options": ["host": "a b"]], "options.host", "host name"),
        (["options": ["host": 5]], "options.host", "a text"),
        (["options": ["db": -1]], "options.db", "a whole number"),
        (["options": ["password": 5]], "options.password", "a text"),
        (["window": 0], "window", "1 to 100000"),
        (["singleWriter": "yes"], "singleWriter", "true or false"),
        (["partitioning": 3], "partitioning", "an object"),
        (["partitioning": ["key": "user.id"]], "partitioning.count", "missing"),
        (["partitioning": ["count": 3]], "partitioning.key", "missing"),
        (["partitioning": ["count": 0, "key": "id"]], "partitioning.count", "1 to 16384"),
        (["partitioning": ["count": 3, "key": "id", "by": 1]], "partitioning.by", "unknown"),
        (["partitioning": ["count": 3, "key": "id"], "streamKey": "{a}"], "partitioning", "hash tag"),
        (["wait": 1], "wait", "an object"),
        (["wait": [:]], "wait.replicas", "missing"),
        (["wait": ["replicas": 0]], "wait.replicas", "1 to 1000"),
        (["wait": ["replicas": 1, "timeout": 10_000]], "wait.timeout", "commandTimeout"),
        (["cluster": "yes"], "cluster", "an object"),
        (["cluster": ["nodes": ["h:x"]]], "cluster.nodes", "host:port"),
        (["cluster": ["seeds": []]], "cluster.seeds", "unknown"),
        (["cluster": true, "options": ["db": 1]], "cluster", "database 0"),
        (["cluster": true, "options": ["sentinels": ["h"], "name": "m"]], "cluster", "sentinels"),
        (["options": ["tls": "yes"]], "options.tls", "an object"),
        (["options": ["tls": ["ca": 1]]], "options.tls.ca", "a text"),
        (["options": ["tls": ["key": "hunter2"]]], "options.tls.key", "absolute path"),
        (["options": ["tls": ["servername": "a b"]]], "options.tls.servername", "host name"),
        (["options": ["tls": ["rejectUnauthorized": false]]], "options.tls.rejectUnauthorized", "cannot be false"),
        (["options": ["tls": ["cipher": "x"]]], "options.tls.cipher", "unknown"),
        (["options": ["tls": true, "path": "/s"]], "options.tls", "unix socket"),
        (["options": ["sentinels": [[:]]]], "options.sentinels", "host:port"),
        (["options": ["sentinels": []]], "options.sentinels", "not empty"),
        (["options": ["sentinels": ["h:0"]]], "options.sentinels", "host:port"),
        (["options": ["sentinels": ["::1:5"]]], "options.sentinels", "host:port"),
        (["options": ["sentinels": ["h"]]], "options.name", "mymaster"),
        (["options": ["name": "m"]], "options.name", "without sentinels"),
        (["options": ["sentinelPassword": "hunter2"]], "options.sentinelPassword", "without sentinels"),
        (["options": ["keyPrefix": "p:"]], "options.keyPrefix", "streamKey"),
        (["options": ["commandTimeout": 0]], "options.commandTimeout", "1 to 3600000"),
        (["options": ["connectTimeout": "5000"]], "options.connectTimeout", "a whole number"),
        (["options": ["path": "relative"]], "options.path", "absolute"),
        (["options": ["connectionName": "a b"]], "options.connectionName", "printable"),
    ]

    @Test("wrong values are refused with path and remedy", arguments: wrong)
    func wrongValues(_ wrong: (redis: JSONValue, path: String, named: String)) throws {
        var redis: JSONObject = ["streamKey": "s"]
        for member in wrong.redis.object ?? [:] { redis[member.name] = member.value }
        let error = #expect(throws: RedisSettingsError.self) { try settings(.object(redis)) }
        #expect(error?.problems.count == 1)
        let problem = try #require(error?.problems.first)
        #expect(problem.path.joined(separator: ".") == "settings.redis." + wrong.path)
        #expect(problem.message.contains(wrong.named), "\(problem.message)")
        #expect(!problem.message.contains("hunter2"))
    }

    @Test("all problems are told at once")
    func allAtOnce() {
        let error = #expect(throws: RedisSettingsError.self) {
            try settings(["maxLen": "x", "serialization": "xml", "options": ["port": 0, "foo": 1], "bar": 1])
        }
        #expect(error?.problems.map { $0.path.last } == ["streamKey", "port", "foo", "maxLen", "serialization", "bar"])
    }
}

@Suite("Error classification")
struct RedisErrorClassificationTests {
    /// What an error means, whether it needs a new connection, and how many milliseconds to wait.
    private struct Row: Sendable {
        let text: String
        let meaning: RedisErrorClassification.Meaning
        let needsNewConnection: Bool
        let delay: Duration?

        init(
            _ text: String,
            _ meaning: RedisErrorClassification.Meaning,
            newConnection: Bool = false,
            after delay: Duration? = nil
        ) {
            self.text = text
            self.meaning = meaning
            needsNewConnection = newConnection
            self.delay = delay
        }
    }

    private static let rows: [Row] = [
        Row("LOADING Redis is loading the dataset in memory", .transient),
        Row("BUSY Redis is busy running a script.", .transient),
        Row("OOM command not allowed when used memory > 'maxmemory'.", .transient, after: .seconds(1)),
        Row("MISCONF Redis is configured to save RDB snapshots", .transient, after: .seconds(1)),
        Row("NOREPLICAS Not enough good replicas to write.", .transient, after: .seconds(1)),
        Row("READONLY You can't write against a read only replica.", .transient, newConnection: true),
        Row("MASTERDOWN Link with MASTER is down", .transient, newConnection: true),
        Row("UNBLOCKED force unblock from blocking operation", .transient, newConnection: true),
        Row("ERR max number of clients reached", .transient, newConnection: true),
        Row("ERR Protocol error: invalid bulk length", .transient, newConnection: true),
        Row("CLUSTERDOWN Hash slot not served", .transient),
        Row("TRYAGAIN Multiple keys request during rehashing of slot", .transient),
        Row("MOVED 3999 127.0.0.1:6381", .moved, after: .seconds(5)),
        Row("ASK 3999 127.0.0.1:6381", .ask),
        Row("NOAUTH Authentication required.", .configuration, newConnection: true, after: .seconds(5)),
        Row("WRONGPASS invalid username-password pair", .configuration, newConnection: true, after: .seconds(5)),
        Row("NOPERM this user has no permissions to run the 'xadd' command", .configuration, after: .seconds(5)),
        Row("DENIED Redis is running in protected mode", .configuration, newConnection: true, after: .seconds(5)),
        Row("WRONGTYPE Operation against a key holding the wrong kind of value", .permanent),
        Row("ERR wrong number of arguments for 'xadd' command", .permanent),
        Row("OOMPH", .permanent), Row("", .permanent), Row("plain", .permanent), Row("ERR", .permanent),
    ]

    @Test("by the first word", arguments: rows)
    private func classifies(_ row: Row) {
        let classification = RedisErrorClassification(row.text)
        #expect(classification.meaning == row.meaning)
        #expect(classification.needsNewConnection == row.needsNewConnection)
        #expect(classification.delay == row.delay)
    }

    @Test("every row of the table is tested, and none hides another")
    func complete() {
        for row in RedisErrorClassification.table {
            let first = Self.rows.first { $0.text.hasPrefix(row.code) && $0.text.contains(row.phrase ?? "") }
            #expect(first.map { RedisErrorClassification($0.text) } == row.classification, "\(row.code)")
        }
    }
}
