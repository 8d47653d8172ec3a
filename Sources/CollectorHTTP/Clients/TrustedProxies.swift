import InternetAddresses
import NIOCore
import NIOHTTP1

/// Proxies whose word on who sent a request is believed.
///
/// Others may write `X-Forwarded-For` as well, and are not believed: without trusted proxies the field means nothing.
struct TrustedProxies: Sendable, Hashable {
    /// How a proxy that comes through a unix socket is written, since it has no address.
    static let socketName = "unix"

    private let networks: [IPNetwork]
    private let trustsSockets: Bool

    /// Nobody is believed.
    static let none = TrustedProxies([], trustsSockets: false)

    private init(_ networks: [IPNetwork], trustsSockets: Bool) {
        self.networks = networks
        self.trustsSockets = trustsSockets
    }

    /// Proxies by address (`127.0.0.1`), network (`10.0.0.0/8`), or "unix"; nil if a text is none of these.
    init?(_ texts: [String]) {
        var networks: [IPNetwork] = []
        for text in texts where text != Self.socketName {
            guard let network = IPNetwork(text) ?? IPAddress(text).map({ IPNetwork($0) }) else { return nil }
            networks.append(network)
        }
        self.init(networks, trustsSockets: texts.contains(Self.socketName))
    }

    /// Who sent a request: the last address that no trusted proxy has; nil where nobody knows.
    func client(of head: HTTPRequestHead, peer: SocketAddress?) -> IPAddress? {
        let nearest = peer.flatMap(Self.address)
        guard nearest.map(isTrusted) ?? (trustsSockets && Self.isSocket(peer)) else { return nearest }
        var client = nearest
        // The last entry is the nearest proxy's.
        let entries = head.headers["X-Forwarded-For"].flatMap { $0.split(separator: ",") }
        for entry in entries.reversed() {
            guard let address = Self.address(inEntry: entry) else { break }
            client = address
            if !isTrusted(address) { break }
        }
        return client
    }

    private func isTrusted(_ address: IPAddress) -> Bool {
        networks.contains { address.isIn($0) }
    }

    private static func isSocket(_ peer: SocketAddress?) -> Bool {
        if case .unixDomainSocket = peer { true } else { false }
    }

    private static func address(_ peer: SocketAddress) -> IPAddress? {
        guard let address = peer.withSockAddr({ pointer, _ in IPAddress(pointer) }) else { return nil }
        // On a socket for both versions, version 4 comes as ::ffff:a.b.c.d.
        return address.isIn(mapped) ? address.embedded.first : address
    }

    private static let mapped = IPNetwork.list("::ffff:0:0/96")[0]

    /// The address of `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
    private static func address(inEntry entry: Substring) -> IPAddress? {
        let text = entry.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
        if let address = IPAddress(text) { return address }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return IPAddress(String(text[text.index(after: text.startIndex)..<end]))
        }
        return text.lastIndex(of: ":").flatMap { IPAddress(String(text[..<$0])) }
    }
}
