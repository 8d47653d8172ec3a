import InternetAddresses
import Testing

@testable import Destinations

@Suite("api: which addresses requests may go to")
struct AddressGuardTests {
    private func refusal(_ text: String, _ network: AddressGuard.Network, allowsMetadata: Bool = false) throws
        -> String?
    {
        let address = try #require(IPAddress(text))
        return AddressGuard(network: network, allowsMetadata: allowsMetadata).refusal(of: address)
    }

    @Test(
        "the public internet",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
            "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
            "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0",
            "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1111", "3ffe::1",
        ]
    )
    func allowed(text: String) throws {
        #expect(try refusal(text, .public) == nil)
    }

    @Test(
        "everything else",
        arguments: [
            "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
            "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0",
            "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
            "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.0",
            "255.255.255.255", "168.63.129.16",
            "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
            "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1",
            "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254",
            "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
        ]
    )
    func refused(text: String) throws {
        #expect(try refusal(text, .public) != nil)
    }

    @Test(
        "private addresses are fine where any network is",
        arguments: ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "8.8.8.8"]
    )
    func any(text: String) throws {
        #expect(try refusal(text, .any) == nil)
    }

    @Test(
        "credentials of machines are refused everywhere",
        arguments: [
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
            "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "::ffff:169.254.169.254", "::169.254.169.254",
            "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1",
        ]
    )
    func metadata(text: String) throws {
        for network in AddressGuard.Network.allCases {
            #expect(try refusal(text, network)?.contains("dangerouslyAllowMetadata") == true)
        }
        #expect(try refusal(text, .any, allowsMetadata: true) == nil)
    }

    @Test("texts that are addresses, and that are none")
    func texts() {
        #expect(IPAddress("1.2.3.4")?.bytes == [1, 2, 3, 4])
        #expect(IPAddress("::1")?.description == "::1")
        #expect(IPAddress("2001:DB8:0:0::1")?.description == "2001:db8::1")
        for text in [
            "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "::1%lo", "[::1]", "1", "0x1.2.3.4", " 1.2.3.4",
        ] {
            #expect(IPAddress(text) == nil, "\(text)")
        }
    }

    @Test("the resolver finds this machine")
    func resolver() async throws {
        let resolver = HostResolver.system(BlockingCalls(label: "test"))
        let addresses = try await resolver.addresses("localhost")
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { AddressGuard(network: .public, allowsMetadata: true).refusal(of: $0) != nil })
        // A label this long is refused before anybody is asked.
        let impossible = String(repeating: "a", count: 64) + ".invalid"
        await #expect(throws: HostResolver.Failure.self) { try await resolver.addresses(impossible) }
    }

    @Test("who waits for a blocking call may give up")
    func abandoned() async throws {
        let gate = BlockingGate()
        let calls = BlockingCalls(label: "test")
        let task = Task { try await calls.run { gate.wait() } }
        await gate.entered()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        gate.open()
    }
}
