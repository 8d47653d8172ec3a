import CollectorTesting
import Foundation
import HTTPServer
import NIOCore
import Testing

/// TLS, spoken by curl and openssl.
@Suite("TLS", .timeLimit(.minutes(1)))
struct TLSTests {
    private let certificates: TestCertificates
    private let directory: TemporaryDirectory

    init() throws {
        certificates = try TestCertificates()
        directory = try TemporaryDirectory()
    }

    /// How a program ended, and what it wrote.
    private func run(_ arguments: [String]) async throws -> (code: Int32, output: String) {
        let path = "\(directory.path)/\(UUID().uuidString)"
        let code = try await BlockingWork.run {
            let file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            defer { close(file) }
            return ChildProcess.wait(
                for: try ChildProcess.spawn(arguments, standardOutput: file, standardError: file)
            )
        }
        return (code, String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self))
    }

    private func curl(_ port: Int, _ more: String...) async throws -> (code: Int32, output: String) {
        try await run(
            ["curl", "--silent", "--show-error", "--cacert", certificates.authority.certificate] + more
                + ["https://localhost:\(port)/"]
        )
    }

    private func openssl(_ port: Int, _ more: String...) async throws -> (code: Int32, output: String) {
        try await run(["openssl", "s_client", "-connect", "localhost:\(port)", "-servername", "localhost"] + more)
    }

    private static func tls(_ identity: TestCertificates.Identity, clients: String? = nil) -> HTTPServerTLS {
        var tls = HTTPServerTLS(
            certificatePath: identity.certificate,
            keyPath: identity.key,
            clientAuthoritiesPath: clients
        )
        tls.recheckMilliseconds = 0
        return tls
    }

    private func withTLS(
        _ identity: TestCertificates.Identity,
        clients: String? = nil,
        handler: any HTTPHandler = EchoHandler(),
        log: RecordingLogHandler.Storage = RecordingLogHandler.Storage(),
        _ body: (Int) async throws -> Void
    ) async throws {
        let tls = Self.tls(identity, clients: clients)
        try await withServer(
            handler: handler,
            listeners: [.tcp(host: "127.0.0.1", port: 0, tls: tls)],
            log: log
        ) { _, address in try await body(try #require(address.port)) }
    }

    @Test("requests and answers of any size, several on a connection", arguments: ["--http1.1", "--http2"])
    func exchanges(version: String) async throws {
        let file = "\(directory.path)/body"
        let text = String(repeating: "0123456789", count: 90_000)
        try Data(text.utf8).write(to: URL(filePath: file))
        try await withTLS(try certificates.issue("localhost")) { port in
            #expect(try await curl(port, version).output == "GET / ")
            let large = try await curl(port, version, "--data-binary", "@\(file)")
            #expect(large.code == 0)
            #expect(large.output == "POST / \(text)")
            let twice = try await run(
                [
                    "curl", "--silent", version, "--cacert", certificates.authority.certificate, "--write-out",
                    " %{num_connects}\n", "https://localhost:\(port)/a", "https://localhost:\(port)/b",
                ]
            )
            #expect(twice.output == "GET /a  1\nGET /b  0\n")
        }
    }

    @Test("TLS 1.2 and 1.3, and nothing older; plain HTTP gets no answer")
    func versions() async throws {
        try await withTLS(try certificates.issue("localhost")) { port in
            for version in ["-tls1_2", "-tls1_3"] { #expect(try await openssl(port, version).code == 0, "\(version)") }
            for version in ["-tls1", "-tls1_1"] {
                let old = try await openssl(port, version, "-cipher", "DEFAULT@SECLEVEL=0")
                #expect(old.code != 0, "\(version)")
                #expect(old.output.contains("alert protocol version") || old.output.contains("alert number 70"))
            }
            let plain = try await run(["curl", "--silent", "--max-time", "10", "http://localhost:\(port)/"])
            #expect(plain.code != 0 && plain.code != 28)
            #expect(try await curl(port).code == 0)
        }
    }

    @Test("clients without a certificate of the authority are not let in, if that is asked for")
    func clientCertificates() async throws {
        let authority = certificates.authority.certificate
        try await withTLS(try certificates.issue("localhost"), clients: authority) { port in
            #expect(try await curl(port).code != 0)
            let stranger = try certificates.selfSigned("stranger")
            #expect(try await curl(port, "--cert", stranger.certificate, "--key", stranger.key).code != 0)
            let known = try certificates.issue("client")
            #expect(
                try await curl(port, "--cert", known.certificate, "--key", known.key).output == "GET / "
            )
        }
    }

    @Test("renewed certificates are shown without a restart; files that cannot be used change nothing")
    func renewed() async throws {
        let log = RecordingLogHandler.Storage()
        let identity = try certificates.issue("localhost")
        try await withTLS(identity, log: log) { port in
            func shown() async throws -> String {
                let output = try await openssl(port).output
                let start = try #require(output.range(of: "-----BEGIN CERTIFICATE-----"))
                let end = try #require(output.range(of: "-----END CERTIFICATE-----"))
                return String(output[start.lowerBound..<end.upperBound])
            }
            let first = try await shown()
            #expect(try await shown() == first)
            _ = try certificates.issue("localhost")
            let second = try await shown()
            #expect(second != first)
            try Data("no key".utf8).write(to: URL(filePath: identity.key))
            #expect(try await shown() == second)
            #expect(try await curl(port).output == "GET / ")
            #expect(log.all.contains { $0.contains("changed certificates cannot be used") })
            #expect(!log.all.contains { $0.contains("no key") })
        }
    }

    @Test("each listener has a certificate of its own, or none; a unix socket may have one too")
    func ofEachListener() async throws {
        let first = Self.tls(try certificates.issue("localhost"))
        let second = Self.tls(try certificates.issue("other"))
        let path = "\(directory.path)/tls.sock"
        let listeners: [HTTPListener] = [
            .tcp(host: "127.0.0.1", port: 0, tls: first), .tcp(host: "127.0.0.1", port: 0, tls: second),
            .tcp(host: "127.0.0.1", port: 0), .unixSocket(path: path, tls: first),
        ]
        try await withServer(handler: EchoHandler(), listeners: listeners) { server, _ in
            let ports = server.boundAddresses.compactMap(\.port)
            let own = try await curl(ports[0])
            #expect(own.output == "GET / ")
            // The other listener shows a certificate that is not for localhost.
            let other = try await curl(ports[1])
            #expect(other.code == 60)
            let plain = try await run(["curl", "--silent", "http://127.0.0.1:\(ports[2])/"])
            #expect(plain.output == "GET / ")
            let local = try await curl(443, "--unix-socket", path)
            #expect(local.output == "GET / ")
        }
    }

    @Test(
        "a handshake that does not come to its end is cut off",
        arguments: ["", "\u{16}\u{03}\u{01}\u{02}"],
        [true, false]
    )
    func handshakeTimeout(beginning: String, offersHTTP2: Bool) async throws {
        var tls = Self.tls(try certificates.issue("localhost"))
        tls.offersHTTP2 = offersHTTP2
        try await withServer(
            handler: EchoHandler(),
            listeners: [.tcp(host: "127.0.0.1", port: 0, tls: tls)],
            configure: { $0.limits.headerTimeoutMilliseconds = 40 }
        ) { _, address in
            let client = try await TestClient.connect(to: address)
            if !beginning.isEmpty { client.trySend(beginning) }
            _ = try await client.receiveAll()
            await client.close()
        }
    }

    @Test("files that cannot be used are told at start")
    func unusable() async throws {
        let identity = try certificates.issue("localhost")
        let other = try certificates.issue("other")
        for (certificate, key, clients, words) in [
            ("/nowhere.pem", identity.key, nil, "/nowhere.pem cannot be used: it cannot be read"),
            (identity.key, identity.key, nil, "it holds no certificate"),
            (identity.certificate, identity.certificate, nil, "it holds no private key without a passphrase"),
            (identity.certificate, other.key, nil, "it is not the key of"),
            (identity.certificate, identity.key, identity.key, "it holds no certificate"),
        ] as [(String, String, String?, String)] {
            let tls = HTTPServerTLS(certificatePath: certificate, keyPath: key, clientAuthoritiesPath: clients)
            let server = HTTPServer(
                configuration: HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0, tls: tls)]),
                logger: RecordingLogHandler.logger(RecordingLogHandler.Storage()),
                handler: EchoHandler()
            )
            let error = await #expect(throws: HTTPServerError.self) { try await server.start() }
            #expect(error?.code == .certificateUnusable)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }
}
