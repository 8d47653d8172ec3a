import CHiredis
import Glibc

/// One connection: a non-blocking `redisContext` and its reader.
///
/// It is made, used and freed on the client's thread only. Bytes go out with `send` straight from the callers'
/// buffers, because hiredis would copy them once more; `MSG_NOSIGNAL` keeps a broken connection from raising SIGPIPE.
/// ``write(_:)`` and ``read(into:)`` are the only places where bytes cross the socket.
///
/// Related documentation: <https://github.com/redis/hiredis>
final class HiredisConnection {
    /// What reading or writing did.
    enum Transfer: Equatable {
        /// This many bytes, at least one.
        case bytes(Int)
        /// None now: poll.
        case wouldBlock
        /// The connection is of no use any more.
        case failed(RedisError)
    }

    /// What the reader found in the bytes it was fed.
    enum Parsed: Equatable {
        /// A complete reply; it is in the builder.
        case reply
        /// Not enough bytes yet.
        case incomplete
        /// A reply that is larger than allowed; the connection is of no use any more.
        case tooLarge(RedisError)
        /// Not RESP; the connection is of no use any more.
        case violation(RedisError)
    }

    private let context: UnsafeMutablePointer<redisContext>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let builder: UnsafeMutablePointer<RedisReplyBuilder>
    private let maximumReplyBytes: Int

    /// The socket, to poll.
    var descriptor: Int32 { context.pointee.fd }

    /// Begins to connect; poll the socket for writing, then call ``finishConnecting()``.
    ///
    /// A host name is resolved before this returns. Replies go to `builder`, which must outlive the connection.
    init(configuration: RedisConfiguration, builder: UnsafeMutablePointer<RedisReplyBuilder>) throws(RedisError) {
        let made: UnsafeMutablePointer<redisContext>? =
            switch configuration.endpoint {
            case .tcp(let host, let port): redisConnectNonBlock(host, Int32(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let made else { throw RedisError(.connectionFailed, "no memory for a connection to Redis") }
        guard made.pointee.err == 0, let reader = made.pointee.reader else {
            let reason = Self.text(of: made)
            redisFree(made)
            throw RedisError(.connectionFailed, "cannot connect to Redis at \(configuration.endpoint): \(reason)")
        }
        context = made
        functions = HiredisReplyFunctions.makeTable()
        self.builder = builder
        maximumReplyBytes = configuration.limits.replyBytes
        reader.pointee.fn = functions
        reader.pointee.privdata = UnsafeMutableRawPointer(builder)
        reader.pointee.maxbuf = 0
        Self.configure(made.pointee.fd, configuration)
    }

    deinit {
        // The reader calls freeObject of the table, so the table goes last.
        redisFree(context)
        functions.deallocate()
    }

    private static func configure(_ descriptor: Int32, _ configuration: RedisConfiguration) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard case .tcp = configuration.endpoint, configuration.keepAlive > .zero else { return }
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

    private static func text(of context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: &context.pointee.errstr) { RedisText.printable($0.prefix { $0 != 0 }) }
    }
}

// MARK: - The socket

extension HiredisConnection {
    /// The socket became writable: throws when the connection could not be made.
    func finishConnecting(_ endpoint: RedisConfiguration.Endpoint) throws(RedisError) {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
            let reason = String(cString: strerror(code))
            throw RedisError(.connectionFailed, "cannot connect to Redis at \(endpoint): \(reason)")
        }
    }

    /// Writes as much as the socket takes.
    func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN || code == EWOULDBLOCK { return .wouldBlock }
            return .failed(Self.broken(code))
        }
    }

    /// Reads what the socket has.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
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

// MARK: - The reader

extension HiredisConnection {
    /// Gives the reader more bytes.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        // A failure is kept in the reader and reported by the next call of nextReply.
        _ = redisReaderFeed(context.pointee.reader, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    }

    /// Takes the next complete reply out of what was fed.
    func nextReply() -> Parsed {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(context.pointee.reader, &reply) == REDIS_OK else {
            if builder.pointee.refusedSize { return .tooLarge(sizeError) }
            let reason = "Redis sent something that is not RESP: \(readerText)"
            return .violation(RedisError(.protocolViolation, reason))
        }
        if reply != nil {
            builder.pointee.finishReply()
            return .reply
        }
        return unparsedBytes + builder.pointee.partialBytes <= maximumReplyBytes ? .incomplete : .tooLarge(sizeError)
    }

    private var sizeError: RedisError {
        RedisError(.protocolViolation, "Redis sent a reply of more than \(maximumReplyBytes) bytes")
    }

    private var readerText: String {
        withUnsafeBytes(of: &context.pointee.reader.pointee.errstr) { RedisText.printable($0.prefix { $0 != 0 }) }
    }

    /// The bytes of a value that is not complete.
    ///
    /// When it announced its length, that length counts already.
    private var unparsedBytes: Int {
        guard let reader = context.pointee.reader, let buffer = reader.pointee.buf else { return 0 }
        let rest = UnsafeRawBufferPointer(start: buffer, count: reader.pointee.len)[reader.pointee.pos...]
        guard isReadingBulk(reader) else { return rest.count }
        var announced = 0
        for byte in rest.prefix(18) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            announced = announced * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return max(announced, rest.count)
    }

    // The reader has taken the $ already; the length stands where it goes on.
    private func isReadingBulk(_ reader: UnsafeMutablePointer<redisReader>) -> Bool {
        let depth = Int(reader.pointee.ridx)
        return withUnsafeBytes(of: &reader.pointee.rstack) { bytes in
            let tasks = bytes.assumingMemoryBound(to: redisReadTask.self)
            return tasks.indices.contains(depth) && tasks[depth].type == REDIS_REPLY_STRING
        }
    }
}
