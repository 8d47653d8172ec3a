/// What a server does when its memory is full (`maxmemory-policy`), and whether a stream survives it.
struct RedisEvictionPolicy: Equatable, Sendable {
    /// Such as `noeviction` or `allkeys-lru`.
    let name: String

    /// Looks into the answer to `INFO memory`; nil when it does not say.
    init?(memoryInformation text: String) {
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("maxmemory_policy:") {
            name = RedisText.printable(line.dropFirst("maxmemory_policy:".count).utf8)
            return
        }
        return nil
    }

    /// What to tell whoever runs the server; nil when nothing is lost.
    var warning: String? {
        if name.hasPrefix("allkeys-") {
            return "Redis may drop whole streams when its memory is full: set maxmemory-policy to noeviction"
        }
        if name.hasPrefix("volatile-") {
            return "Redis may drop streams that were given an expiry when its memory is full: "
                + "set maxmemory-policy to noeviction, or never EXPIRE a stream"
        }
        return nil
    }
}
