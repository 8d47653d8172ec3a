/// Addresses with the same first bits.
package struct IPNetwork: Sendable, Hashable {
    package let address: IPAddress
    package let bitCount: Int

    /// The network written as `10.0.0.0/8`.
    package init?(_ text: String) {
        let sides = text.split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2, let address = IPAddress(String(sides[0])), let bitCount = Int(sides[1]),
            0...address.bytes.count * 8 ~= bitCount
        else { return nil }
        self.address = address
        self.bitCount = bitCount
    }

    /// The network of that one address.
    package init(_ address: IPAddress) {
        self.address = address
        bitCount = address.bytes.count * 8
    }

    package static let sixToFour = list("2002::/16")[0]
    package static let endingWithVersion4 = list(
        "::ffff:0:0/96",
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48"
    )

    /// Networks of which a literal is known to be one.
    package static func list(_ texts: String...) -> [IPNetwork] {
        texts.compactMap(IPNetwork.init)
    }
}
