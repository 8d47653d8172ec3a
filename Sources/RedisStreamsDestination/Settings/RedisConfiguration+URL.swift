extension RedisConfiguration {
    /// Reads a url.
    ///
    /// - `redis://[username[:password]@]host[:port][/db]`, or `rediss://` for TLS; an IPv6 address stands in brackets. `redis://:password@host`
    ///   gives a password only.
    /// - `unix:///path?db=1` or `redis+unix:///path?db=1`, user name and password as above.
    ///
    /// User name, password and path are percent-decoded. After `?`, the options `db`, `connectTimeout`,
    /// `commandTimeout`, `keepAlive` and `connectionName` may follow, and for TLS `ca`, `cert`, `key` (absolute paths of
    /// PEM files) and `servername`.
    ///
    /// - Throws: ``RedisError`` `invalidConfiguration` naming what is wrong. The message does not repeat the url, which
    ///   may hold a password.
    public init(url: String) throws(RedisError) {
        self.init()
        var rest = url[...]
        let scheme = try Self.takeScheme(&rest)
        let query = Self.takeSuffix(after: "?", of: &rest)
        if rest.contains("#") || query?.contains("#") == true {
            throw Self.invalid("has a fragment (#): write # inside a password as %23")
        }
        switch scheme {
        case "redis": try readNetworkAddress(rest)
        case "rediss":
            tls = RedisTLS()
            try readNetworkAddress(rest)
        case "unix", "redis+unix": try readSocketAddress(rest)
        default:
            throw Self.invalid("has an unknown scheme: begin it with redis://, rediss:// or unix://")
        }
        try readQuery(query)
    }

    static func invalid(_ reason: String) -> RedisError {
        RedisError(.invalidConfiguration, "the Redis url \(reason)")
    }

    private static func takeScheme(_ rest: inout Substring) throws(RedisError) -> String {
        var characters = rest
        while let first = characters.first, first != ":" { characters.removeFirst() }
        guard characters.hasPrefix("://") else {
            throw invalid("has no scheme: write redis://host:6379 or unix:///path")
        }
        let scheme = rest[..<characters.startIndex].lowercased()
        rest = characters.dropFirst(3)
        return scheme
    }

    private static func takeSuffix(after mark: Character, of text: inout Substring) -> Substring? {
        guard let index = text.firstIndex(of: mark) else { return nil }
        let suffix = text[text.index(after: index)...]
        text = text[..<index]
        return suffix
    }

    // MARK: Addresses

    private mutating func readNetworkAddress(_ text: Substring) throws(RedisError) {
        var address = text
        let path = Self.takeSuffix(after: "/", of: &address)
        address = try readCredentials(address)
        let (host, port) = try Self.splitHostAndPort(address)
        endpoint = .tcp(host: host, port: port)
        guard let path, !path.isEmpty else { return }
        guard let number = RedisOptions.wholeNumber(path, in: RedisOptions.databases) else {
            throw Self.invalid("names no database after the host: write /0 to /15, or leave it out")
        }
        database = number
    }

    private mutating func readSocketAddress(_ text: Substring) throws(RedisError) {
        guard let slash = text.firstIndex(of: "/") else {
            throw Self.invalid("has no path: write unix:///run/redis/redis.sock")
        }
        guard try readCredentials(text[..<slash]).isEmpty else {
            throw Self.invalid("names a host with a unix socket: write three slashes, unix:///path")
        }
        let path = try Self.percentDecoded(text[slash...])
        try RedisOptions.checkSocketPath(path, field: "the Redis url")
        endpoint = .unix(path: path)
    }

    /// Takes `user:password@` from the front.
    private mutating func readCredentials(_ text: Substring) throws(RedisError) -> Substring {
        guard let at = text.lastIndex(of: "@") else { return text }
        var user = text[..<at]
        if let secret = Self.takeSuffix(after: ":", of: &user) {
            password = RedisSecret(try Self.percentDecoded(secret))
        }
        username = user.isEmpty ? nil : try Self.percentDecoded(user)
        return text[text.index(after: at)...]
    }

    private static func splitHostAndPort(_ text: Substring) throws(RedisError) -> (host: String, port: Int) {
        var host = text
        var portText: Substring?
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else {
                throw invalid("has an IPv6 address without its closing bracket: write redis://[::1]:6379")
            }
            let rest = host[host.index(after: end)...]
            host = host[host.index(after: host.startIndex)..<end]
            guard rest.isEmpty || rest.first == ":" else {
                throw invalid("has something other than a port after the bracket: write redis://[::1]:6379")
            }
            portText = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            portText = takeSuffix(after: ":", of: &host)
        }
        guard RedisOptions.isHost(host) else {
            throw invalid("has no valid host: write redis://host:6379")
        }
        guard let portText else { return (String(host), 6379) }
        guard let port = RedisOptions.wholeNumber(portText, in: RedisOptions.ports) else {
            throw invalid("has a port outside of 1 to 65535; inside a password write / as %2F and ? as %3F")
        }
        return (String(host), port)
    }

    // MARK: The query

    private mutating func readQuery(_ query: Substring?) throws(RedisError) {
        guard let query, !query.isEmpty else { return }
        for pair in query.split(separator: "&") {
            var name = pair
            guard let value = Self.takeSuffix(after: "=", of: &name) else {
                throw Self.invalid("has an option without a value after the ?: write ?db=1")
            }
            try RedisOptions.set(
                String(name),
                toText: try Self.percentDecoded(value),
                in: &self
            )
        }
    }

    /// Decodes `%41`; the result must be UTF-8.
    static func percentDecoded(_ text: Substring) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                throw invalid("has a % that is not followed by two hexadecimal digits: write % itself as %25")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw invalid("has percent-encoded bytes that are not UTF-8")
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
