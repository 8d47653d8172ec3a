#if canImport(Glibc)
package import Glibc
#elseif canImport(Musl)
package import Musl
#elseif canImport(Darwin)
package import Darwin
#endif

/// An address of version 4 or 6.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four or sixteen bytes, as on the wire.
    package let bytes: [UInt8]

    /// The address that a text stands for, if it is one in full: `10.0.0.1`, `::1`. Zones are not part of an address.
    package init?(_ text: String) {
        var storage = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &storage) == 1 {
            bytes = Array(storage.prefix(4))
        } else if inet_pton(AF_INET6, text, &storage) == 1 {
            bytes = storage
        } else {
            return nil
        }
    }

    /// The address in what the operating system's resolver gave.
    package init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                withUnsafeBytes(of: address.pointee.sin_addr) { Array($0) }
            }
        case AF_INET6:
            bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                withUnsafeBytes(of: address.pointee.sin6_addr) { Array($0) }
            }
        default: return nil
        }
    }

    /// An address of version 4.
    package init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        bytes = [first, second, third, fourth]
    }

    /// Whether this is an address of version 6.
    package var isVersion6: Bool { bytes.count == 16 }

    /// The address in its usual form.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(isVersion6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether the first bits are those of a network, written `10.0.0.0/8`.
    package func isIn(_ network: IPNetwork) -> Bool {
        guard bytes.count == network.address.bytes.count else { return false }
        for (position, byte) in bytes.enumerated() {
            let bits = min(max(network.bitCount - position * 8, 0), 8)
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            if (byte ^ network.address.bytes[position]) & mask != 0 { return false }
        }
        return true
    }

    /// Addresses of version 4 that stand inside one of version 6, where a gateway may take them out again.
    package var embedded: [IPAddress] {
        guard isVersion6 else { return [] }
        func part(_ start: Int) -> IPAddress {
            IPAddress(bytes[start], bytes[start + 1], bytes[start + 2], bytes[start + 3])
        }
        // 6to4 has it behind its prefix; mapped, compatible and NAT64 addresses end with it.
        if isIn(IPNetwork.sixToFour) { return [part(2)] }
        return IPNetwork.endingWithVersion4.contains(where: isIn) ? [part(12)] : []
    }
}
