import NIOSSL

/// How TLS is spoken with a service: whom to trust, and as whom to appear. TLS 1.2 and newer; always verified.
struct APITLS: Sendable {
    /// Certificates or a key in PEM.
    enum PEM: Sendable {
        /// The text itself.
        case text(String)
        /// The absolute path of a file; read again when the service's addresses are looked up.
        case file(String)

        /// A text that begins like PEM is PEM, an absolute path is a path.
        init?(_ text: String) {
            if text.hasPrefix("-----BEGIN") {
                self = .text(text)
            } else if text.hasPrefix("/"), !text.utf8.contains(0) {
                self = .file(text)
            } else {
                return nil
            }
        }

        var isText: Bool {
            if case .text = self { true } else { false }
        }
    }

    /// Which setting cannot be used, and why; never what it holds.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ setting: String, _ pem: PEM, _ problem: String) {
            description =
                switch pem {
                case .text: "tls.\(setting) \(problem)"
                case .file(let path): "tls.\(setting) \(problem), or cannot be read: \(path)"
                }
        }
    }

    /// Whom to trust; nil for those that the operating system trusts.
    var authorities: PEM?
    /// The client's certificate with those that lead to its authority.
    var certificate: PEM?
    /// The key of the certificate; nil if it stands in the same text or file.
    var key: PEM?
    /// The name that the service's certificate must be for; nil for the URL's host.
    var serverName: String?

    /// Reads certificates and key, which may block.
    ///
    /// - Throws: ``Failure`` if one of them cannot be used.
    func configuration() throws(Failure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        if let authorities {
            configuration.trustRoots = .certificates(try Self.certificates(authorities, "ca"))
        }
        guard let certificate else { return configuration }
        configuration.certificateChain = try Self.certificates(certificate, "cert").map { .certificate($0) }
        configuration.privateKey = .privateKey(try Self.privateKey(key ?? certificate))
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure("key", key ?? certificate, "is not the key of tls.cert")
        }
        return configuration
    }

    private static func certificates(_ pem: PEM, _ setting: String) throws(Failure) -> [NIOSSLCertificate] {
        do {
            let certificates =
                switch pem {
                case .text(let text): try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))
                case .file(let path): try NIOSSLCertificate.fromPEMFile(path)
                }
            if !certificates.isEmpty { return certificates }
        } catch {}
        throw Failure(setting, pem, "holds no certificate in PEM")
    }

    private static func privateKey(_ pem: PEM) throws(Failure) -> NIOSSLPrivateKey {
        do {
            return switch pem {
            case .text(let text): try NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem)
            case .file(let path): try NIOSSLPrivateKey(file: path, format: .pem)
            }
        } catch {
            throw Failure("key", pem, "holds no private key in PEM without a passphrase")
        }
    }
}
