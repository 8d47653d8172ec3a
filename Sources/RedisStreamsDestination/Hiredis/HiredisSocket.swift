import CHiredis
import Glibc

/// The socket of a non-blocking `redisContext`: hiredis resolves, connects and closes it.
///
/// Related documentation: <https://github.com/redis/hiredis>
final class HiredisSocket: RedisTransport {
    private let context: UnsafeMutablePointer<redisContext>
    private let socket: SocketTransport

    /// Begins to connect.
    ///
    /// A host name is resolved before this returns.
    init(to endpoint: RedisConfiguration.Endpoint, configuration: RedisConfiguration) throws(RedisError) {
        let made: UnsafeMutablePointer<redisContext>? =
            switch endpoint {
            case .tcp(let host, let port): redisConnectNonBlock(host, Int32(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let made else { throw RedisError(.connectionFailed, "no memory for a connection to Redis") }
        guard made.pointee.err == 0 else {
            let reason = withUnsafeBytes(of: &made.pointee.errstr) { RedisText.printable($0.prefix { $0 != 0 }) }
            redisFree(made)
            throw RedisError(.connectionFailed, "cannot connect to Redis at \(endpoint): \(reason)")
        }
        context = made
        socket = SocketTransport(descriptor: made.pointee.fd, endpoint: endpoint)
        Self.configure(made.pointee.fd, endpoint, configuration)
    }

    deinit {
        redisFree(context)
    }

    private static func configure(
        _ descriptor: Int32,
        _ endpoint: RedisConfiguration.Endpoint,
        _ configuration: RedisConfiguration
    ) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard case .tcp = endpoint else { return }
        // Bytes that nobody acknowledges for that long: the other side is gone, whatever keep-alives say.
        let userTimeout = Int32(clamping: max(1, configuration.commandTimeout.inMilliseconds))
        set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, userTimeout)
        guard configuration.keepAlive > .zero else { return }
        let seconds = Int32(clamping: max(1, configuration.keepAlive.components.seconds))
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(1, seconds / 3))
        set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    // A kernel that does not know an option goes without it.
    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: RedisTransport

    var descriptor: Int32 { socket.descriptor }
    var wantsWrite: Bool { socket.wantsWrite }
    func open() throws(RedisError) -> Bool { try socket.open() }
    func write(_ bytes: UnsafeRawBufferPointer) -> RedisTransfer { socket.write(bytes) }
    func flush() -> RedisError? { nil }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisTransfer { socket.read(into: buffer) }
}
