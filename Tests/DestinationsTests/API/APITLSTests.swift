import Collector
import CollectorTesting
import EventJSON
import Foundation
import NIOHTTP1
import NIOSSL
import Testing

@testable import Destinations

@Suite("api: TLS", .timeLimit(.minutes(1)))
final class APITLSTests {
    private let certificates: TestCertificates

    init() async throws {
        certificates = try await BlockingWork.run { try TestCertificates() }
    }

    private func issue(_ name: String, daysLeft: Int = 2) async throws -> TestCertificates.Identity {
        let certificates = certificates
        return try await BlockingWork.run { try certificates.issue(name, daysLeft: daysLeft) }
    }

    private func server(_ identity: TestCertificates.Identity) throws -> TLSConfiguration {
        TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.key, format: .pem))
        )
    }

    private func service(_ identity: TestCertificates.Identity, asksClients: Bool = false) async throws -> RawService {
        var configuration = try server(identity)
        if asksClients {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .file(certificates.authority.certificate)
        }
        return try await RawService(tls: configuration)
    }

    /// What becomes of an event that is sent to the service as `localhost`.
    private func deliver(
        _ service: RawService,
        _ tls: JSONObject,
        host: String = "localhost"
    ) async throws -> DeliveryOutcome {
        var settings: JSONObject = ["url": .string("https://\(host):\(service.port)/in"), "timeout": 30_000]
        if !tls.isEmpty { settings["tls"] = .object(tls) }
        let destination = try await apiDestination(.object(settings))
        let outcome = await destination.deliver(try event())
        try await destination.destroy(.test)
        try await service.stop()
        return outcome
    }

    private var authority: JSONValue { .string(certificates.authority.certificate) }

    @Test("a good certificate, with the authority as a file and as text")
    func good() async throws {
        let identity = try await issue("localhost")
        let service = try await service(identity)
        #expect(try await deliver(service, ["ca": authority]) == .ok)
        #expect(service.received.first?.contains("Host: localhost:\(service.port)\r\n") == true)
        let text = try String(contentsOfFile: certificates.authority.certificate, encoding: .utf8)
        #expect(try await deliver(self.service(identity), ["ca": .string(text)]) == .ok)
    }

    @Test("expired, unknown authority, self-signed: refused, with the remedy, and nothing is sent")
    func refused() async throws {
        let certificates = certificates
        let selfSigned = try await BlockingWork.run { try certificates.selfSigned("localhost") }
        let cases: [(TestCertificates.Identity, JSONObject)] = [
            (try await issue("localhost", daysLeft: -1), ["ca": authority]),
            (try await issue("localhost"), [:]),
            (selfSigned, ["ca": authority]),
            (selfSigned, [:]),
        ]
        for (identity, tls) in cases {
            let service = try await service(identity)
            let reason = try await deliver(service, tls).retryReason
            #expect(
                reason == "no answer from the service: its certificate has expired, or comes from nobody trusted: "
                    + "name it or its authority in tls.ca"
            )
            #expect(service.received.isEmpty)
        }
        // Named, it is trusted.
        #expect(try await deliver(service(selfSigned), ["ca": .string(selfSigned.certificate)]) == .ok)
    }

    @Test("a certificate for another name is refused, unless that name is asked for")
    func otherName() async throws {
        let identity = try await issue("service.internal")
        let service = try await service(identity)
        let reason = try await deliver(service, ["ca": authority]).retryReason
        #expect(
            reason == "no answer from the service: its certificate is for another name: correct \"url\", or set "
                + "tls.servername"
        )
        #expect(service.received.isEmpty)
        for host in ["localhost", "127.0.0.1"] {
            let service = try await self.service(identity)
            let outcome = try await deliver(service, ["ca": authority, "servername": "service.internal"], host: host)
            #expect(outcome == .ok)
            #expect(
                service.received.first?.contains("Host: \(host):\(service.port)\r\n") == true,
                "\(service.received)"
            )
        }
        // An address is not a name: the certificate would have to be for the address.
        #expect(try await deliver(self.service(issue("localhost")), ["ca": authority], host: "127.0.0.1") != .ok)
    }

    @Test("a client's certificate, where the service wants one")
    func clientCertificate() async throws {
        let identity = try await issue("localhost")
        let client = try await issue("client")
        let certificate = JSONValue.string(client.certificate)
        let key = JSONValue.string(client.key)
        let tls: JSONObject = ["ca": authority, "cert": certificate, "key": key]
        #expect(try await deliver(service(identity, asksClients: true), tls) == .ok)
        let refusing = try await service(identity, asksClients: true)
        #expect(try await deliver(refusing, ["ca": authority]).retryReason != nil)
        #expect(refusing.received.isEmpty)
    }

    @Test("HTTP/2 where the service has it, under the name that the URL has")
    func http2() async throws {
        let service = try await HTTP2Service(tls: try server(try await issue("service.internal")))
        let destination = try await apiDestination([
            "url": .string("https://localhost:\(service.port)/in"),
            "tls": ["ca": authority, "servername": "service.internal"],
        ])
        for _ in 0..<2 {
            #expect(await destination.deliver(try event()) == .delivered(response: ["status": 201]))
        }
        #expect(service.requests.map(\.version) == [.http2, .http2])
        #expect(service.requests.map(\.uri) == ["/in", "/in"])
        #expect(service.requests.first?.headers["Host"] == ["localhost:\(service.port)"])
        try await destination.destroy(.test)
        try await service.stop()
    }

    @Test("certificates that cannot be used are told when the destination starts")
    func unusable() async throws {
        let one = try await issue("one")
        let two = try await issue("two")
        let cases: [(JSONObject, String)] = [
            (["ca": "/none/ca.pem"], "tls.ca holds no certificate in PEM, or cannot be read: /none/ca.pem"),
            (["ca": .string(one.key)], "tls.ca holds no certificate in PEM, or cannot be read: \(one.key)"),
            (
                ["cert": .string(one.certificate)],
                "tls.key holds no private key in PEM without a passphrase, or cannot be read: \(one.certificate)"
            ),
            (
                ["cert": .string(one.certificate), "key": .string(two.key)],
                "tls.key is not the key of tls.cert, or cannot be read: \(two.key)"
            ),
        ]
        for (tls, expected) in cases {
            let destination = try APIDestination(settings: ["url": "https://localhost/", "tls": .object(tls)])
            do {
                _ = try await destination.initialize(.test)
                Issue.record("started with \(expected)")
            } catch {
                #expect("\(error)" == expected)
            }
        }
    }

    @Test("plain HTTP behind an https URL is no answer")
    func noTLS() async throws {
        let service = APIService()
        _ = try await service.start()
        let destination = try await apiDestination(["url": .string("https://127.0.0.1:\(service.port)/")])
        let reason = await destination.deliver(try event()).retryReason
        #expect(reason?.hasPrefix("no answer from the service: TLS failed") == true, "\(reason ?? "sent")")
        #expect(service.requests.isEmpty)
        try await destination.destroy(.test)
        await service.stop()
    }
}
