import COpenSSL

/// What OpenSSL has to say about a failure, as one sentence with a remedy.
enum TLSFailure {
    /// The oldest error that OpenSSL noted on this thread, and forgets all of them.
    static func takeReason() -> String? {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return nil }
        guard let text = ERR_reason_error_string(code) else { return "OpenSSL error \(code)" }
        return String(cString: text)
    }

    /// Why the server's certificate was not accepted; nil when it was.
    static func certificateError(
        _ ssl: OpaquePointer,
        _ endpoint: RedisConfiguration.Endpoint,
        _ serverName: String
    ) -> RedisError? {
        let result = SSL_get_verify_result(ssl)
        guard result != Int(X509_V_OK) else { return nil }
        let reason = String(cString: X509_verify_cert_error_string(result))
        let remedy =
            switch Int32(result) {
            case X509_V_ERR_CERT_HAS_EXPIRED: "renew the server's certificate"
            case X509_V_ERR_CERT_NOT_YET_VALID: "check the clocks of both machines"
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
                "it is not for \(serverName): connect by a name that it is for, or set tls.servername to one"
            case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
                "name its authority in tls.ca"
            default: "check the server's certificate and tls.ca"
            }
        return RedisError(
            .certificateRefused,
            "the certificate of Redis at \(endpoint) is not valid here (\(reason)): \(remedy)"
        )
    }

    /// Why the handshake failed, other than for the server's certificate.
    static func handshakeError(_ endpoint: RedisConfiguration.Endpoint) -> RedisError {
        let reason = takeReason() ?? "the other side broke it off"
        let remedy =
            switch reason {
            case "wrong version number", "packet length too long", "http request":
                ": does Redis speak TLS on this port (tls-port)?"
            case "unsupported protocol", "tlsv1 alert protocol version":
                ": TLS 1.2 or newer is needed"
            default: ""
            }
        return RedisError(.connectionFailed, "TLS with Redis at \(endpoint) failed: \(reason)\(remedy)")
    }

    /// An error of an open connection; a server that wants a certificate of ours says so only now (TLS 1.3).
    static func transferError(_ endpoint: RedisConfiguration.Endpoint) -> RedisError {
        let reason = takeReason() ?? "the other side broke it off"
        if reason.contains("certificate required") || reason.contains("handshake failure") {
            return RedisError(
                .certificateRefused,
                "Redis at \(endpoint) wants a certificate of the client: set tls.cert and tls.key"
            )
        }
        if reason.contains("alert") && (reason.contains("certificate") || reason.contains("unknown ca")) {
            return RedisError(
                .certificateRefused,
                "Redis at \(endpoint) refused the client's certificate (\(reason)): check tls.cert and tls.key"
            )
        }
        return RedisError(.connectionFailed, "TLS with Redis at \(endpoint) broke: \(reason)")
    }
}
