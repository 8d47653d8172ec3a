import Glibc

/// A connected or connecting socket without TLS.
///
/// Bytes go out with `send` straight from the callers' buffers, because hiredis would copy them once more;
/// `MSG_NOSIGNAL` keeps a broken connection from raising SIGPIPE.
final class SocketTransport: RedisTransport {
    let descriptor: Int32
    /// Where it leads, for messages.
    private let endpoint: RedisConfiguration.Endpoint
    private var isOpen = false

    /// A non-blocking socket that connects; whoever made it closes it.
    init(descriptor: Int32, endpoint: RedisConfiguration.Endpoint) {
        self.descriptor = descriptor
        self.endpoint = endpoint
    }

    var wantsWrite: Bool { !isOpen }

    func open() throws(RedisError) -> Bool {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
            let reason = String(cString: strerror(code))
            throw RedisError(.connectionFailed, "cannot connect to Redis at \(endpoint): \(reason)")
        }
        isOpen = true
        return true
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> RedisTransfer {
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            return .failed(Self.broken(code))
        }
    }

    func flush() -> RedisError? { nil }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisTransfer {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .failed(RedisError(.connectionFailed, "Redis closed the connection")) }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            return .failed(Self.broken(code))
        }
    }

    private static func broken(_ code: Int32) -> RedisError {
        RedisError(.connectionFailed, "the connection to Redis broke: \(String(cString: strerror(code)))")
    }
}
