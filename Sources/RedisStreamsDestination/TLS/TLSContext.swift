import COpenSSL

/// An `SSL_CTX`: what all connections with the same settings share.
///
/// Related documentation: <https://docs.openssl.org/3.0/man7/ssl/>
final class TLSContext {
    let pointer: OpaquePointer

    /// Loads certificates and key, from files or texts.
    ///
    /// - Throws: ``RedisError`` `invalidConfiguration` naming the option and what is wrong with it.
    init(_ settings: RedisTLS) throws(RedisError) {
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(TLS_client_method()) else {
            throw RedisError(.connectionFailed, "no memory for TLS")
        }
        self.pointer = pointer
        guard collectord_tls_require_version_1_2(pointer) == 1 else {
            throw RedisError(.connectionFailed, "OpenSSL knows no TLS 1.2")
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        try trust(settings.authorities)
        try appear(settings)
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    private func trust(_ authorities: RedisTLS.PEM?) throws(RedisError) {
        guard let authorities else {
            guard SSL_CTX_set_default_verify_paths(pointer) == 1 else {
                throw Self.invalid("ca", "is missing, and this system's authorities cannot be read")
            }
            return
        }
        let certificates = try Self.certificates(authorities, option: "ca")
        let store = SSL_CTX_get_cert_store(pointer)
        for certificate in certificates.pointers { X509_STORE_add_cert(store, certificate) }
        // A certificate that is named is trusted, also when it was issued by somebody else.
        _ = X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    private func appear(_ settings: RedisTLS) throws(RedisError) {
        guard let certificate = settings.certificate else {
            guard settings.key == nil else { throw Self.invalid("key", "stands without tls.cert: set both") }
            return
        }
        let chain = try Self.certificates(certificate, option: "cert")
        guard SSL_CTX_use_certificate(pointer, chain.pointers[0]) == 1 else {
            throw Self.invalid("cert", "is not usable: \(TLSFailure.takeReason() ?? "unknown")")
        }
        for issuer in chain.pointers.dropFirst() { _ = collectord_tls_add_chain_certificate(pointer, issuer) }
        let text = try TLSText(settings.key ?? certificate, option: "key")
        guard let key = collectord_read_private_key(text.bio) else {
            ERR_clear_error()
            throw Self.invalid("key", "holds no private key in PEM without a passphrase")
        }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(pointer, key) == 1, SSL_CTX_check_private_key(pointer) == 1 else {
            ERR_clear_error()
            throw Self.invalid("key", "is not the key of tls.cert")
        }
    }

    private static func certificates(_ pem: RedisTLS.PEM, option: String) throws(RedisError) -> TLSCertificates {
        let certificates = TLSCertificates(try TLSText(pem, option: option))
        guard !certificates.pointers.isEmpty else { throw invalid(option, "holds no certificate in PEM") }
        return certificates
    }

    static func invalid(_ option: String, _ problem: String) -> RedisError {
        RedisError(.invalidConfiguration, "the Redis option tls.\(option) \(problem)")
    }
}

extension RedisTLS {
    /// Reads certificates and key once, to tell at the start what is wrong with them.
    ///
    /// - Throws: ``RedisError`` `invalidConfiguration`.
    func check() throws(RedisError) {
        _ = try TLSContext(self)
    }
}

/// Certificates read from PEM, freed together.
private final class TLSCertificates {
    let pointers: [OpaquePointer]

    init(_ text: TLSText) {
        var pointers: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(text.bio, nil, nil, nil) { pointers.append(certificate) }
        // The end of the text is an error, too.
        ERR_clear_error()
        self.pointers = pointers
    }

    deinit {
        for pointer in pointers { X509_free(pointer) }
    }
}

/// PEM as OpenSSL reads it.
private final class TLSText {
    let bio: OpaquePointer

    init(_ pem: RedisTLS.PEM, option: String) throws(RedisError) {
        let made: OpaquePointer?
        switch pem {
        case .file(let path):
            made = BIO_new_file(path, "r")
            if made == nil {
                let reason = TLSFailure.takeReason() ?? "unknown"
                throw TLSContext.invalid(option, "names a file that cannot be read (\(reason)): \(path)")
            }
        case .text(let secret):
            // Written into a BIO of its own, which owns its bytes.
            made = BIO_new(BIO_s_mem())
            var text = secret.revealed
            text.withUTF8 { _ = BIO_write(made, $0.baseAddress, Int32(clamping: $0.count)) }
        }
        guard let made else { throw RedisError(.connectionFailed, "no memory for TLS") }
        bio = made
    }

    deinit {
        BIO_free(bio)
    }
}
