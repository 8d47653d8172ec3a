import InternetAddresses

/// Which addresses requests may go to.
///
/// Services that tell a machine its credentials are refused whatever the network is, also where an address of version 4
/// stands inside one of version 6.
struct AddressGuard: Sendable {
    /// Where a destination may be.
    enum Network: String, Sendable, CaseIterable {
        /// Anywhere.
        case any
        /// The public internet only.
        case `public`
    }

    let network: Network
    let allowsMetadata: Bool

    /// Why no request may go to the address; nil if one may.
    func refusal(of address: IPAddress) -> String? {
        if !allowsMetadata, ([address] + address.embedded).contains(where: Self.metadata.contains) {
            return "\(address) tells machines their credentials; \"dangerouslyAllowMetadata\": true would allow it"
        }
        guard network == .public else { return nil }
        if address.isVersion6, !address.isIn(Self.globalUnicast) {
            return "\(address) is not on the public internet; \"network\": \"any\" would allow it"
        }
        if let range = Self.special.first(where: { address.isIn($0.network) }) {
            return "\(address) is \(range.meaning), not public; \"network\": \"any\" would allow it"
        }
        return nil
    }

    /// AWS, Google, Azure, Oracle, Alibaba; ECS and EKS credentials; Azure's host.
    private static let metadata: Set<IPAddress> = Set(
        [
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
            "192.0.0.192", "100.100.100.200", "168.63.129.16",
        ].compactMap(IPAddress.init)
    )

    private static let globalUnicast = IPNetwork.list("2000::/3")[0]

    /// From IANA's registries of special-purpose addresses; what lies outside 2000::/3 is refused as a whole.
    private static let special: [(network: IPNetwork, meaning: String)] = [
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a provider"),
        ("127.0.0.0/8", "this machine"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "for documentation"),
    ].compactMap { text, meaning in IPNetwork(text).map { ($0, meaning) } }
}
