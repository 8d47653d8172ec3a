import EventJSON

/// Reads lists of addresses, for Sentinels and for the nodes of a cluster.
enum RedisEndpointOptions {
    private static let form = "must be an array of \"host:port\" or {\"host\": …, \"port\": …}, not empty"

    /// Reads the addresses; nil when the member is missing or null, or something is wrong, which is noted in the reader.
    static func read(
        _ name: String,
        defaultPort: Int,
        _ reader: inout RedisSettingsReader
    ) -> [RedisConfiguration.Endpoint]? {
        let value = reader.members[name]
        if value.isMissing || value.isNull { return nil }
        guard let elements = value.array, !elements.isEmpty else {
            reader.refuse(name, form)
            return nil
        }
        var endpoints: [RedisConfiguration.Endpoint] = []
        for element in elements {
            guard let endpoint = endpoint(element, defaultPort) else {
                reader.refuse(name, form)
                return nil
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    private static func endpoint(_ value: JSONValue, _ defaultPort: Int) -> RedisConfiguration.Endpoint? {
        if let text = value.string { return endpoint(text, defaultPort) }
        guard let members = value.object, members.allSatisfy({ ["host", "port"].contains($0.name) }) else { return nil }
        let port = members["port"]
        let number: Int? =
            if port.isMissing || port.isNull { defaultPort } else if let text = port.string {
                RedisOptions.wholeNumber(text[...], in: RedisOptions.ports)
            } else { port.number?.integer.flatMap { RedisOptions.ports.contains($0) ? $0 : nil } }
        guard let host = members["host"].string, RedisOptions.isHost(host), let number else { return nil }
        return .tcp(host: host, port: number)
    }

    /// `host`, `host:port` or `[address]:port`.
    static func endpoint(_ text: String, _ defaultPort: Int) -> RedisConfiguration.Endpoint? {
        var host = text[...]
        var port: Substring?
        if host.first == "[", let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { return nil }
            port = rest.isEmpty ? nil : rest.dropFirst()
            host = host[..<end].dropFirst()
        } else if let colon = host.lastIndex(of: ":") {
            port = host[host.index(after: colon)...]
            host = host[..<colon]
            // An address of IPv6 needs brackets: where else would its port begin?
            guard !host.contains(":") else { return nil }
        }
        guard RedisOptions.isHost(host) else { return nil }
        guard let port else { return .tcp(host: String(host), port: defaultPort) }
        return RedisOptions.wholeNumber(port, in: RedisOptions.ports).map { .tcp(host: String(host), port: $0) }
    }
}
