import CollectorTesting
import Synchronization
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client over TLS", .timeLimit(.minutes(2)))
final class RedisTLSTests {
    let certificates: TestCertificates
    /// Keeps the servers up until the test ends.
    private let servers = Mutex<[RedisServer]>([])

    init() throws {
        certificates = try TestCertificates()
    }

    private func makeServer(_ identity: TestCertificates.Identity, asksClients: Bool = false) throws -> RedisServer {
        let arguments = certificates.serverArguments(identity, asksClients: asksClients)
        let server = try RedisServer(arguments, listensOnTCP: true, speaksTLS: true)
        servers.withLock { $0.append(server) }
        return server
    }

    private func makeClient(
        _ server: RedisServer,
        host: String = "localhost",
        _ change: (inout RedisConfiguration) -> Void = { _ in }
    ) throws -> RedisClient {
        var configuration = try RedisConfiguration(
            url: "rediss://\(host):\(#require(server.port))?ca=\(certificates.authority.certificate)"
        )
        configuration.commandTimeout = .seconds(60)
        change(&configuration)
        let client = try RedisClient(configuration: configuration, logger: .silent)
        try client.start()
        return client
    }

    /// The error that a command fails with, which must not be the end of its time.
    private func refusal(of client: RedisClient) async throws -> RedisError {
        let error = try #require(await #expect(throws: RedisError.self) { try await client.command(["PING"]) })
        try await client.quit()
        return error
    }

    @Test("a good certificate: commands of any size, both ways")
    func good() async throws {
        let client = try makeClient(try makeServer(try certificates.issue("localhost"))) {
            $0.limits.replyBytes = 8 << 20
        }
        #expect(try await client.command(["PING"]) == .status("PONG"))
        for size in [0, 1, 16_383, 16_384, 16_385, 65_536, 1_000_003, 5_000_000] {
            let value = String(repeating: "x", count: size)
            #expect(try await client.command(["SET", "k", value]) == .status("OK"))
            #expect(try await client.command(["GET", "k"]) == .bulk(Array(value.utf8)))
        }
        try await client.quit()
    }

    @Test("ten thousand entries arrive in order")
    func order() async throws {
        let server = try makeServer(try certificates.issue("localhost"))
        let client = try makeClient(server)
        let count = 10_000
        var promises: [Promise<RedisReplies>] = []
        for batch in stride(from: 0, to: count, by: 100) {
            promises.append(try client.begin((batch..<batch + 100).map { ["XADD", "s", "*", "n", String($0)] }))
        }
        for promise in promises { #expect(await promise.value.count == 100) }
        let entries = try server.probe().command("XRANGE", "s", "-", "+").elements
        #expect(entries.map { $0.elements.last?.elements.last?.text } == (0..<count).map { String($0) })
        try await client.quit()
    }

    @Test("an expired certificate is refused at once, with the remedy")
    func expired() async throws {
        let error = try await refusal(
            of: makeClient(try makeServer(try certificates.issue("localhost", daysLeft: -1)))
        )
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("expired"), "\(error)")
        #expect(error.message.contains("renew"))
    }

    @Test("a certificate for another host is refused at once, unless it is the name to look for")
    func wrongHost() async throws {
        let server = try makeServer(try certificates.issue("redis.example"))
        let error = try await refusal(of: makeClient(server))
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("not for localhost"), "\(error)")
        let named = try makeClient(server) { $0.tls?.serverName = "redis.example" }
        #expect(try await named.command(["PING"]) == .status("PONG"))
        try await named.quit()
    }

    @Test("an address is no name: a certificate for names only does not fit it")
    func address() async throws {
        let server = try makeServer(try certificates.issue("localhost"))
        let error = try await refusal(of: makeClient(server, host: "127.0.0.1"))
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("not for 127.0.0.1"), "\(error)")
    }

    @Test("a self-signed certificate is refused, unless it is named itself")
    func selfSigned() async throws {
        let identity = try certificates.selfSigned("localhost")
        let server = try makeServer(identity)
        let error = try await refusal(of: makeClient(server))
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("tls.ca"), "\(error)")
        let trusting = try makeClient(server) { $0.tls?.authorities = .file(identity.certificate) }
        #expect(try await trusting.command(["PING"]) == .status("PONG"))
        try await trusting.quit()
    }

    @Test("an authority that the system does not know is refused")
    func unknownAuthority() async throws {
        let server = try makeServer(try certificates.issue("localhost"))
        let error = try await refusal(of: makeClient(server) { $0.tls?.authorities = nil })
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("tls.ca"), "\(error)")
    }

    @Test("a certificate of the client, for servers that want one")
    func clientCertificate() async throws {
        let server = try makeServer(try certificates.issue("localhost"), asksClients: true)
        let identity = try certificates.issue("collector")
        let known = try makeClient(server) {
            $0.tls?.certificate = .file(identity.certificate)
            $0.tls?.key = .file(identity.key)
        }
        #expect(try await known.command(["PING"]) == .status("PONG"))
        try await known.quit()
        let error = try await refusal(of: makeClient(server))
        #expect(error.code == .certificateRefused)
        #expect(error.message.contains("tls.cert"), "\(error)")
    }

    @Test("certificates and keys that cannot be read are told when the client starts, without the key")
    func unreadable() throws {
        let identity = try certificates.issue("localhost")
        let other = try certificates.issue("other")
        let cases: [(ca: RedisTLS.PEM?, cert: RedisTLS.PEM?, key: RedisTLS.PEM?, named: String)] = [
            (.file("/nowhere/ca.pem"), nil, nil, "tls.ca names a file that cannot be read"),
            (.file(identity.key), nil, nil, "tls.ca holds no certificate"),
            (nil, .file(identity.certificate), nil, "tls.key holds no private key"),
            (nil, .file(identity.certificate), .file(other.key), "tls.key is not the key of tls.cert"),
            (nil, nil, .file(identity.key), "tls.key stands without tls.cert"),
            (.text("-----BEGIN hunter2"), nil, nil, "tls.ca holds no certificate"),
        ]
        for (authorities, certificate, key, named) in cases {
            var configuration = try RedisConfiguration(url: "rediss://localhost:1")
            configuration.tls?.authorities = authorities
            configuration.tls?.certificate = certificate
            configuration.tls?.key = key
            let client = try RedisClient(configuration: configuration, logger: .silent)
            let error = #expect(throws: RedisError.self) { try client.start() }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("hunter2") == false)
        }
    }

    @Test("TLS to a port without TLS says so; plain text to a port with TLS fails as well")
    func mismatch() async throws {
        let plain = try RedisServer(listensOnTCP: true)
        let client = try makeClient(plain) {
            $0.connectTimeout = .milliseconds(200)
            $0.commandTimeout = .seconds(1)
        }
        let error = await #expect(throws: RedisError.self) { try await client.command(["PING"]) }
        #expect(error?.message.contains("tls-port") == true, "\(error?.message ?? "")")
        try await client.quit()

        let server = try makeServer(try certificates.issue("localhost"))
        let other = try makeClient(server) {
            $0.tls = nil
            $0.commandTimeout = .milliseconds(500)
        }
        await #expect(throws: RedisError.self) { try await other.command(["PING"]) }
        try await other.quit()
    }

    @Test("a renewed certificate is found by the next connection")
    func renewed() async throws {
        let server = try makeServer(try certificates.issue("localhost"))
        let client = try makeClient(server) { $0.commandTimeout = .seconds(30) }
        #expect(try await client.command(["PING"]) == .status("PONG"))
        server.kill()
        let reply = try client.begin([["PING"]])
        try server.start()
        #expect(await reply.value[0] == .status("PONG"))
        try await client.quit()
    }
}
