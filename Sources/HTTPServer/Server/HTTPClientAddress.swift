import NIOCore

/// Whom the connections of a client are counted for: its IPv4 address, or the /64 network that one IPv6 subscriber has.
struct HTTPClientAddress: Hashable {
    private let network: UInt64

    /// Nil for a Unix socket.
    init?(_ address: SocketAddress?) {
        guard let address else { return nil }
        // Where a `sockaddr_in` and a `sockaddr_in6` have the address, in network order.
        switch address {
        case .v4: self.network = UInt64(Self.number(at: 4, of: address, as: UInt32.self))
        case .v6:
            let high = Self.number(at: 8, of: address, as: UInt64.self)
            let low = Self.number(at: 16, of: address, as: UInt64.self)
            // On a socket for both versions IPv4 comes as ::ffff:a.b.c.d. No network begins with 32 zero bits but for
            // those of special use, so that both fit into one number.
            self.network = high == 0 && low >> 32 == 0xFFFF ? low & 0xFFFF_FFFF : high
        case .unixDomainSocket: return nil
        }
    }

    private static func number<Number: FixedWidthInteger>(
        at offset: Int,
        of address: SocketAddress,
        as type: Number.Type
    ) -> Number {
        address.withSockAddr { pointer, byteCount in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: byteCount)
            return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
    }
}
