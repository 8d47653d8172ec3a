import EventJSON

extension RedisConfiguration {
    /// Reads `settings.redis.options`, named as in ioredis.
    ///
    /// What is wrong is noted in the reader.
    ///
    /// | option | type | default |
    /// |---|---|---|
    /// | `host` | text | `localhost` |
    /// | `port` | 1…65535, also as text | 6379 |
    /// | `path` | absolute path of a unix socket; wins over host and port | none |
    /// | `username` | text | none |
    /// | `password` | text | none |
    /// | `db` | 0…2147483647, also as text | 0 |
    /// | `connectionName` | printable ASCII without spaces | `collectord` |
    /// | `connectTimeout` | milliseconds, 1…3600000 | 5000 |
    /// | `commandTimeout` | milliseconds, 1…3600000 | 10000 |
    /// | `keepAlive` | milliseconds, 0 (off)…3600000, rounded down to seconds, but 1 s at least | 15000 |
    /// | `tls` | true, or an object: `ca`, `cert`, `key` (PEM, or the absolute path of a file), `servername` | none |
    /// | `sentinels` | array of `"host:port"` or `{"host": …, "port": …}`; port 26379 if none | none |
    /// | `name` | what the Sentinels call the primary; required with `sentinels` | none |
    /// | `sentinelUsername`, `sentinelPassword` | text | none |
    /// | `sentinelTLS` | as `tls`, for the Sentinels | none |
    ///
    /// `null` is the same as leaving an option out. Options of ioredis that mean nothing here are accepted and listed
    /// in `ignored`; those that would change where or how events are written are refused.
    init(options reader: inout RedisSettingsReader, ignored: inout [String]) {
        self.init()
        readAddress(&reader)
        username = reader.text("username").flatMap { $0.isEmpty ? nil : $0 }
        password = reader.text("password").flatMap { $0.isEmpty ? nil : RedisSecret($0) }
        database = reader.wholeNumber("db", in: RedisOptions.databases, allowsText: true) ?? database
        if let name = reader.text("connectionName") {
            reader.check("connectionName") { () throws(RedisError) in
                try RedisOptions.checkClientName(name, field: "the connection's name")
            }
            clientName = name
        }
        connectTimeout = reader.milliseconds("connectTimeout", in: RedisOptions.timeouts) ?? connectTimeout
        commandTimeout = reader.milliseconds("commandTimeout", in: RedisOptions.timeouts) ?? commandTimeout
        keepAlive = reader.milliseconds("keepAlive", in: RedisOptions.keepAlives) ?? keepAlive
        readTLS(&reader)
        readSentinel(&reader)
        refuseUnsupported(&reader)
        reader.refuseUnknown(
            RedisOptions.names + RedisOptions.namesWithoutEffect + RedisOptions.unsupported.map(\.name)
        )
        ignored = RedisOptions.namesWithoutEffect.filter { reader.members.contains($0) }
    }

    private mutating func readAddress(_ reader: inout RedisSettingsReader) {
        let host = reader.text("host") ?? "localhost"
        let port = reader.wholeNumber("port", in: RedisOptions.ports, allowsText: true) ?? 6379
        if !RedisOptions.isHost(host) {
            reader.refuse("host", "must be a host name or an address")
        }
        endpoint = .tcp(host: host, port: port)
        if let path = reader.text("path"), !path.isEmpty {
            reader.check("path") { () throws(RedisError) in
                try RedisOptions.checkSocketPath(path, field: "the path")
            }
            endpoint = .unix(path: path)
        }
    }

    private mutating func readTLS(_ reader: inout RedisSettingsReader) {
        tls = RedisTLSOptions.read("tls", &reader)
        if tls != nil, case .unix = endpoint {
            reader.refuse("tls", "is not spoken over a unix socket: remove it, or path")
        }
    }

    private mutating func readSentinel(_ reader: inout RedisSettingsReader) {
        let own = ["name", "sentinelUsername", "sentinelPassword", "sentinelTLS"]
        guard let endpoints = RedisEndpointOptions.read("sentinels", defaultPort: 26_379, &reader) else {
            for name in own where reader.members[name].isTruthy && !reader.members["sentinels"].isTruthy {
                reader.refuse(name, "stands without sentinels: name them, or remove it")
            }
            return
        }
        guard let name = reader.text("name"), !name.isEmpty else {
            return reader.refuse("name", "is missing: what the Sentinels call the primary, such as mymaster")
        }
        var sentinel = RedisSentinel(primaryName: name, endpoints: endpoints)
        sentinel.username = reader.text("sentinelUsername").flatMap { $0.isEmpty ? nil : $0 }
        sentinel.password = reader.text("sentinelPassword").flatMap { $0.isEmpty ? nil : RedisSecret($0) }
        sentinel.tls = RedisTLSOptions.read("sentinelTLS", &reader)
        self.sentinel = sentinel
    }

    private func refuseUnsupported(_ reader: inout RedisSettingsReader) {
        for (name, reason) in RedisOptions.unsupported where reader.members[name].isTruthy {
            reader.refuse(name, reason)
        }
    }
}
