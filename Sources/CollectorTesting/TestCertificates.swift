/// Certificates of a test's own authority, made by the `openssl` command in a temporary folder.
///
/// ```swift
/// let certificates = try TestCertificates()
/// let good = try certificates.issue("localhost")
/// let server = try RedisServer(certificates.serverArguments(good), listensOnTCP: true, speaksTLS: true)
/// ```
public final class TestCertificates: Sendable {
    /// A certificate and its key.
    public struct Identity: Sendable {
        /// The path of the certificate, in PEM.
        public let certificate: String
        /// The path of the key, in PEM.
        public let key: String
    }

    /// The authority's own certificate and key.
    public let authority: Identity
    private let directory: TemporaryDirectory

    /// Makes an authority.
    public init() throws {
        directory = try TemporaryDirectory()
        let path = directory.path + "/authority"
        authority = Identity(certificate: path + ".pem", key: path + ".key")
        try Self.selfSign(authority, name: "collectord test authority")
    }

    /// A certificate for a DNS name and no address; `daysLeft` below zero makes one that has expired.
    public func issue(_ name: String, daysLeft: Int = 2) throws -> Identity {
        let path = "\(directory.path)/\(name)\(daysLeft)"
        let identity = Identity(certificate: path + ".pem", key: path + ".key")
        try TestFile.write("subjectAltName=DNS:\(name)\n", to: path + ".extensions")
        try Self.openssl(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=\(name)",
            "-keyout",
            identity.key,
            "-out",
            path + ".request"
        )
        try Self.openssl(
            "x509",
            "-req",
            "-in",
            path + ".request",
            "-CA",
            authority.certificate,
            "-CAkey",
            authority.key,
            "-CAcreateserial",
            "-days",
            String(daysLeft),
            "-extfile",
            path + ".extensions",
            "-out",
            identity.certificate
        )
        return identity
    }

    /// A certificate for a DNS name that nobody but itself vouches for.
    public func selfSigned(_ name: String) throws -> Identity {
        let path = "\(directory.path)/\(name)-self"
        let identity = Identity(certificate: path + ".pem", key: path + ".key")
        try Self.selfSign(identity, name: name, "-addext", "subjectAltName=DNS:\(name)")
        return identity
    }

    /// What makes a ``RedisServer`` speak TLS as that identity; with `asksClients` it wants clients' certificates.
    public func serverArguments(_ identity: Identity, asksClients: Bool = false) -> [String] {
        [
            "--tls-cert-file", identity.certificate, "--tls-key-file", identity.key, "--tls-ca-cert-file",
            authority.certificate, "--tls-auth-clients", asksClients ? "yes" : "no", "--tls-replication", "yes",
            "--tls-cluster", "yes",
        ]
    }

    private static func selfSign(_ identity: Identity, name: String, _ more: String...) throws {
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        let files = ["-keyout", identity.key, "-out", identity.certificate]
        try ChildProcess.run(["openssl"] + new + ["-subj", "/CN=\(name)"] + more + files)
    }

    private static func openssl(_ arguments: String...) throws {
        try ChildProcess.run(["openssl"] + arguments)
    }
}
