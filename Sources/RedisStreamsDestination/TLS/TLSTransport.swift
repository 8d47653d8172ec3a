import COpenSSL
import Glibc

/// TLS over another transport.
///
/// OpenSSL only turns bytes into other bytes here: it reads and writes two buffers in memory, and never touches the
/// socket, so that the rules of ``SocketTransport`` (no SIGPIPE, no blocking) hold for TLS as well. Bytes that
/// OpenSSL took count as written, even while their ciphertext waits for the socket: it cannot be taken back.
///
/// Related documentation: <https://docs.openssl.org/3.0/man3/BIO_s_mem/>
final class TLSTransport: RedisTransport {
    private static let bufferBytes = 32 * 1024
    /// What OpenSSL is given at once: four of its records.
    private static let maximumWriteBytes = 64 * 1024

    private let socket: any RedisTransport
    private let endpoint: RedisConfiguration.Endpoint
    private let serverName: String
    private let ssl: OpaquePointer
    /// Ciphertext from the other side, for OpenSSL to read; it belongs to `ssl`.
    private let incoming: OpaquePointer
    /// Ciphertext for the other side, written by OpenSSL; it belongs to `ssl`.
    private let outgoing: OpaquePointer
    private var isSocketOpen = false
    private var isOpen = false
    // Lives as long as the transport: pieces of ciphertext between OpenSSL and the socket.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
    private let unsent = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
    /// The part of `unsent` that the socket has not taken yet.
    private var unsentRange = 0..<0

    /// TLS over a socket that may still be connecting.
    ///
    /// - Throws: ``RedisError`` `invalidConfiguration` when certificates or key cannot be read.
    init(over socket: any RedisTransport, endpoint: RedisConfiguration.Endpoint, settings: RedisTLS) throws(RedisError)
    {
        self.socket = socket
        self.endpoint = endpoint
        serverName = settings.serverName ?? endpoint.host
        let context = try TLSContext(settings)
        guard let ssl = SSL_new(context.pointer), let incoming = BIO_new(BIO_s_mem()) else {
            throw RedisError(.connectionFailed, "no memory for TLS")
        }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            SSL_free(ssl)
            throw RedisError(.connectionFailed, "no memory for TLS")
        }
        self.ssl = ssl
        self.incoming = incoming
        self.outgoing = outgoing
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_connect_state(ssl)
        try expectName()
    }

    deinit {
        if isOpen {
            // Says goodbye as far as the socket takes it.
            SSL_shutdown(ssl)
            _ = flush()
        }
        SSL_free(ssl)
        ERR_clear_error()
        buffer.deallocate()
        unsent.deallocate()
    }

    /// The certificate must be for the name; an address is looked for among the certificate's addresses.
    private func expectName() throws(RedisError) {
        let parameters = SSL_get0_param(ssl)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return }
        ERR_clear_error()
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard !serverName.isEmpty, X509_VERIFY_PARAM_set1_host(parameters, serverName, serverName.utf8.count) == 1,
            collectord_tls_announce_server_name(ssl, serverName) == 1
        else {
            throw RedisError(.invalidConfiguration, "the Redis option tls.servername must be a host name or an address")
        }
    }

    // MARK: The transport

    var descriptor: Int32 { socket.descriptor }
    var wantsWrite: Bool { isSocketOpen ? hasUnsent : socket.wantsWrite }
    private var hasUnsent: Bool { !unsentRange.isEmpty || BIO_ctrl_pending(outgoing) > 0 }

    func open() throws(RedisError) -> Bool {
        if !isSocketOpen {
            guard try socket.open() else { return false }
            isSocketOpen = true
        } else {
            switch receive() {
            case .bytes, .wouldBlock: break
            case .failed(let error): throw error
            }
        }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        let code = SSL_get_error(ssl, result)
        // Also after a failure: the alert tells the other side why.
        let flushError = flush()
        if result == 1 {
            if let flushError { throw flushError }
            isOpen = true
            return true
        }
        if let error = TLSFailure.certificateError(ssl, endpoint, serverName) { throw error }
        guard code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE else {
            throw TLSFailure.handshakeError(endpoint)
        }
        if let flushError { throw flushError }
        return false
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> RedisTransfer {
        if let error = flush() { return .failed(error) }
        if hasUnsent { return .wouldBlock }
        ERR_clear_error()
        let count = SSL_write(ssl, bytes.baseAddress, Int32(min(bytes.count, Self.maximumWriteBytes)))
        guard count > 0 else { return .failed(TLSFailure.transferError(endpoint)) }
        if let error = flush() { return .failed(error) }
        return .bytes(Int(count))
    }

    func flush() -> RedisError? {
        while true {
            while !unsentRange.isEmpty {
                switch socket.write(UnsafeRawBufferPointer(rebasing: unsent[unsentRange])) {
                case .bytes(let count): unsentRange = unsentRange.dropFirst(count)
                case .wouldBlock: return nil
                case .failed(let error): return error
                }
            }
            let count = BIO_read(outgoing, unsent.baseAddress, Int32(unsent.count))
            guard count > 0 else { return nil }
            unsentRange = 0..<Int(count)
        }
    }

    func read(into target: UnsafeMutableRawBufferPointer) -> RedisTransfer {
        var filled = 0
        while filled < target.count {
            ERR_clear_error()
            let count = SSL_read(ssl, target.baseAddress.map { $0 + filled }, Int32(clamping: target.count - filled))
            if count > 0 {
                filled += Int(count)
                continue
            }
            let code = SSL_get_error(ssl, count)
            guard code == SSL_ERROR_WANT_READ else {
                // What came before the end is still good; the end is found again by the next call.
                if filled > 0 { return .bytes(filled) }
                return .failed(code == SSL_ERROR_ZERO_RETURN ? Self.closed : TLSFailure.transferError(endpoint))
            }
            guard filled == 0 else { break }
            switch receive() {
            case .bytes: continue
            case .wouldBlock:
                // Reading may have had something to say, such as a new key.
                return flush().map(RedisTransfer.failed) ?? .wouldBlock
            case .failed(let error): return .failed(error)
            }
        }
        return .bytes(filled)
    }

    /// Brings ciphertext from the socket to OpenSSL.
    private func receive() -> RedisTransfer {
        let transfer = socket.read(into: buffer)
        if case .bytes(let count) = transfer { BIO_write(incoming, buffer.baseAddress, Int32(count)) }
        return transfer
    }

    private static let closed = RedisError(.connectionFailed, "Redis closed the connection")
}

extension RedisConfiguration.Endpoint {
    /// The host alone; empty for a unix socket.
    var host: String {
        if case .tcp(let host, _) = self { host } else { "" }
    }
}
