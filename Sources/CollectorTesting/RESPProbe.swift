import Glibc

/// One blocking connection to a Redis server for tests: a second, independent implementation of RESP2.
///
/// It is for looking at a server from outside, one command at a time, in tests only.
public final class RESPProbe {
    /// A reply.
    public indirect enum Reply: Equatable, Sendable {
        /// `+OK`.
        case status(String)
        /// `-ERR …`.
        case error(String)
        /// `:1`.
        case integer(Int)
        /// `$2…`.
        case bulk([UInt8])
        /// `$-1` or `*-1`.
        case null
        /// `*2…`.
        case array([Reply])

        /// The text of a status, error or bulk reply.
        public var text: String? {
            switch self {
            case .status(let text), .error(let text): text
            case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
            case .integer, .null, .array: nil
            }
        }

        /// The elements of an array reply; none for the others.
        public var elements: [Reply] {
            if case .array(let elements) = self { elements } else { [] }
        }
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0

    /// Connects to a unix socket.
    ///
    /// A read that takes longer than `timeout` seconds fails.
    public init(unixSocket path: String, timeout: Int = 30) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        do {
            try UnixSocket.withAddress(path) { address, size in
                guard connect(descriptor, address, size) == 0 else {
                    throw TestSupportError("cannot connect to \(path): \(String(cString: strerror(errno)))")
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    /// Sends one command and waits for its reply.
    public func command(_ arguments: String...) throws -> Reply {
        try command(arguments.map { Array($0.utf8) })
    }

    /// Sends one command of any bytes and waits for its reply.
    public func command(_ arguments: [[UInt8]]) throws -> Reply {
        try send(arguments)
        return try readReply()
    }

    /// Sends one command and does not wait.
    public func begin(_ arguments: String...) throws {
        try send(arguments.map { Array($0.utf8) })
    }

    private func send(_ arguments: [[UInt8]]) throws {
        var bytes = Array("*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            bytes += Array("$\(argument.count)\r\n".utf8) + argument + [13, 10]
        }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestSupportError("cannot write: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    /// Waits for a reply to an earlier command, such as a line of `MONITOR`.
    public func readReply() throws -> Reply {
        let line = try readLine()
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch line.first {
        case UInt8(ascii: "+"): return .status(rest)
        case UInt8(ascii: "-"): return .error(rest)
        case UInt8(ascii: ":"): return .integer(Int(rest) ?? 0)
        case UInt8(ascii: "$"):
            guard let count = Int(rest), count >= 0 else { return .null }
            let bytes = try readBytes(count)
            _ = try readBytes(2)
            return .bulk(bytes)
        case UInt8(ascii: "*"):
            guard let count = Int(rest), count >= 0 else { return .null }
            return .array(try (0..<count).map { _ in try readReply() })
        default: throw TestSupportError("not RESP: \(String(decoding: line, as: UTF8.self))")
        }
    }

    private func readLine() throws -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let byte = try readBytes(1)[0]
            if byte == 10 { return Array(line.dropLast()) }
            line.append(byte)
        }
    }

    private func readBytes(_ count: Int) throws -> [UInt8] {
        while buffer.count - position < count { try fill() }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    private func fill() throws {
        buffer.removeSubrange(..<position)
        position = 0
        let count = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { bytes in
            let count = recv(descriptor, bytes.baseAddress, bytes.count, 0)
            if count > 0 { buffer.append(contentsOf: bytes[..<count]) }
            return count
        }
        guard count > 0 else {
            let reason = count == 0 ? "the server closed the connection" : String(cString: strerror(errno))
            throw TestSupportError("cannot read: \(reason)")
        }
    }
}
