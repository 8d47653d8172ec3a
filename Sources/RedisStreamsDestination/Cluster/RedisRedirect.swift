/// Where a cluster says that a key is: `MOVED 3999 10.0.0.7:6381` or `ASK 3999 10.0.0.7:6381`.
struct RedisRedirect: Equatable {
    let slot: Int
    let endpoint: RedisConfiguration.Endpoint

    /// Reads an error's text; nil when it is none of the two.
    ///
    /// An empty host is the one that was asked.
    init?(_ text: String, askedHost: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, words[0] == "MOVED" || words[0] == "ASK",
            let slot = RedisOptions.wholeNumber(words[1], in: 0...RedisHashSlot.count - 1),
            let colon = words[2].lastIndex(of: ":"),
            let port = RedisOptions.wholeNumber(words[2][words[2].index(after: colon)...], in: RedisOptions.ports)
        else { return nil }
        let host = words[2][..<colon]
        guard host.isEmpty || RedisOptions.isHost(host) else { return nil }
        self.slot = slot
        endpoint = .tcp(host: host.isEmpty ? askedHost : String(host), port: port)
    }
}
