import Glibc
import NIOCore
import Testing

@testable import HTTPServer

/// Who may connect.
@Suite(.timeLimit(.minutes(5))) struct AdmissionTests {
    private static func address(_ text: String) throws -> HTTPClientAddress? {
        HTTPClientAddress(try SocketAddress(ipAddress: text, port: 1))
    }

    @Test("IPv4 is counted by address, on a socket for both versions too; IPv6 by network")
    func addresses() throws {
        #expect(try Self.address("192.0.2.1") == Self.address("192.0.2.1"))
        #expect(try Self.address("192.0.2.1") != Self.address("192.0.2.2"))
        #expect(try Self.address("192.0.2.1") == Self.address("::ffff:192.0.2.1"))
        #expect(try Self.address("::ffff:192.0.2.1") != Self.address("::ffff:192.0.2.2"))
        #expect(try Self.address("2001:db8::1") == Self.address("2001:db8::ffff:ffff:ffff:ffff"))
        #expect(try Self.address("2001:db8::1") != Self.address("2001:db8:0:1::1"))
        #expect(try Self.address("::1") != Self.address("127.0.0.1"))
        #expect(HTTPClientAddress(try SocketAddress(unixDomainSocketPath: "/run/a")) == nil)
        #expect(HTTPClientAddress(nil) == nil)
    }

    @Test("a client has as many connections as it may and no more; who has none is forgotten")
    func perAddress() throws {
        let admission = HTTPAdmission(maximumConnectionCount: 100, maximumConnectionCountPerAddress: 2)
        let (one, other) = (try Self.address("192.0.2.1"), try Self.address("192.0.2.2"))
        #expect(admission.admit(one) && admission.admit(one))
        #expect(!admission.admit(one))
        #expect(admission.admit(other))
        #expect(admission.admit(nil) && admission.admit(nil) && admission.admit(nil))
        admission.closed(one)
        #expect(admission.admit(one))
        #expect(!admission.admit(one))
        for address in [one, one, other, nil, nil, nil] { admission.closed(address) }
        #expect(admission.addressCount == 0)
    }

    @Test("a refused connection takes no room, and 0 is no limit")
    func all() throws {
        let admission = HTTPAdmission(maximumConnectionCount: 2, maximumConnectionCountPerAddress: 1)
        let one = try Self.address("192.0.2.1")
        #expect(admission.admit(one) && !admission.admit(one))
        #expect(admission.room {} == 1)
        #expect(admission.admit(nil))
        #expect(admission.room {} == 0)
        let unlimited = HTTPAdmission(maximumConnectionCount: 100, maximumConnectionCountPerAddress: 0)
        for _ in 0..<100 { #expect(unlimited.admit(one)) }
        #expect(unlimited.addressCount == 0)
    }

    @Test("over real sockets: the connection beyond the limit is closed at once, unix sockets are not counted")
    func realSockets() async throws {
        let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        let path = "/tmp/collectord-http-test-\(getpid())-admission.sock"
        try await withServer(
            handler: EchoHandler(),
            listeners: [.tcp(host: "127.0.0.1", port: 0), .unixSocket(path: path)],
            configure: { $0.limits.maximumConnectionCountPerAddress = 2 }
        ) { server, address in
            var clients = [TestClient]()
            for _ in 0..<2 {
                let client = try await TestClient.connect(to: address)
                try await client.send(get)
                #expect(try await client.responses(1).count == 1)
                clients.append(client)
            }
            for _ in 0..<3 {
                let refused = try await TestClient.connect(to: address)
                #expect(try await refused.receiveAll() == [])
                await refused.close()
            }
            for _ in 0..<3 {
                let local = try await TestClient.connect(to: server.boundAddresses[1])
                try await local.send(get)
                #expect(try await local.responses(1).count == 1)
                clients.append(local)
            }
            for client in clients { await client.close() }
        }
    }
}
