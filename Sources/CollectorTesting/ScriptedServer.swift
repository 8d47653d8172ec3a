import Glibc
import Synchronization

/// A server that says exactly what a test tells it to: late replies, half replies, nonsense.
///
/// It listens on a unix socket; each connection runs the script on a thread of its own. Redis' wire format is known
/// only to ``Connection/readCommand()``.
///
/// ```swift
/// let server = try ScriptedServer { connection in
///     while let command = connection.readCommand() {
///         connection.send(command == ["PING"] ? "+PONG\r\n" : "-ERR what?\r\n")
///     }
/// }
/// ```
public final class ScriptedServer: Sendable {
    /// One client's connection.
    public final class Connection: Sendable {
        /// 0 for the first connection, 1 for the next.
        public let number: Int

        /// Read and written by the script's thread only, which also closes it.
        private let descriptor: Int32
        private let isOpen = Mutex(true)
        private let buffer = Mutex<[UInt8]>([])

        init(number: Int, descriptor: Int32) {
            self.number = number
            self.descriptor = descriptor
        }

        /// Waits for the next command; nil when the client closed the connection.
        public func readCommand() -> [String]? {
            guard let header = readLine(), header.first == "*", let count = Int(header.dropFirst()) else { return nil }
            var arguments: [String] = []
            for _ in 0..<count {
                guard let length = readLine().flatMap({ Int($0.dropFirst()) }), let bytes = readBytes(length + 2) else {
                    return nil
                }
                arguments.append(String(decoding: bytes.dropLast(2), as: UTF8.self))
            }
            return arguments
        }

        /// Waits for so many commands; fewer when the client closed the connection.
        public func readCommands(_ count: Int) -> [[String]] {
            var commands: [[String]] = []
            while commands.count < count, let command = readCommand() {
                commands.append(command)
            }
            return commands
        }

        /// Answers the commands with which collectord's client opens a connection, and returns them.
        @discardableResult
        public func acceptHandshake() -> [[String]] {
            var commands: [[String]] = []
            while let command = readCommand() {
                commands.append(command)
                if command == ["PING"] {
                    send("+PONG\r\n")
                    break
                }
                send("+OK\r\n")
            }
            return commands
        }

        /// Sends text as it is; false when the client is gone.
        @discardableResult
        public func send(_ text: String) -> Bool {
            send(Array(text.utf8))
        }

        /// Sends bytes as they are; false when the client is gone.
        @discardableResult
        public func send(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }

        /// Waits until the client has closed the connection, whatever it sends meanwhile.
        public func waitForClose() {
            while readBytes(1) != nil {}
        }

        /// Ends the connection for both sides, from any thread.
        public func close() {
            // A number that was closed may be another connection's by now.
            isOpen.withLock { isOpen in
                if isOpen { shutdown(descriptor, Int32(SHUT_RDWR)) }
            }
        }

        /// Frees the descriptor; the script has ended.
        fileprivate func release() {
            isOpen.withLock { isOpen in
                isOpen = false
                // Close alone would not end it if a process that another test started inherited the descriptor.
                shutdown(descriptor, Int32(SHUT_RDWR))
                Glibc.close(descriptor)
            }
        }

        private func readLine() -> String? {
            var line: [UInt8] = []
            while let byte = readBytes(1)?.first {
                if byte == 10 { return String(decoding: line.dropLast(), as: UTF8.self) }
                line.append(byte)
            }
            return nil
        }

        private func readBytes(_ count: Int) -> [UInt8]? {
            buffer.withLock { buffer in
                while buffer.count < count {
                    var piece = [UInt8](repeating: 0, count: 1 << 16)
                    let received = recv(descriptor, &piece, piece.count, 0)
                    guard received > 0 else { return nil }
                    buffer.append(contentsOf: piece[..<received])
                }
                defer { buffer.removeFirst(count) }
                return Array(buffer[..<count])
            }
        }
    }

    /// The socket's path.
    public let socketPath: String

    private let directory: TemporaryDirectory
    private let listener: Int32
    private let accepted: Accepted

    /// Counts connections; kept apart so that the accepting thread does not keep the server alive.
    private final class Accepted: Sendable {
        let connections = Mutex<[Connection]>([])
    }

    /// Listens, and runs the script for every connection.
    ///
    /// The connection is closed when the script returns.
    public init(_ script: @escaping @Sendable (Connection) -> Void) throws {
        directory = try TemporaryDirectory()
        socketPath = directory.path + "/scripted.sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        accepted = Accepted()
        try UnixSocket.withAddress(socketPath) { address, size in
            guard bind(listener, address, size) == 0, listen(listener, 64) == 0 else {
                throw TestSupportError("cannot listen on \(socketPath): \(String(cString: strerror(errno)))")
            }
        }
        TestThread.start { [listener, accepted] in
            Self.accept(from: listener, accepted, script)
            // Closed by the thread that uses it: its number must not become another server's before.
            close(listener)
        }
    }

    private static func accept(
        from listener: Int32,
        _ accepted: Accepted,
        _ script: @escaping @Sendable (Connection) -> Void
    ) {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            let connection = accepted.connections.withLock { connections in
                let connection = Connection(number: connections.count, descriptor: descriptor)
                connections.append(connection)
                return connection
            }
            TestThread.start {
                script(connection)
                connection.release()
            }
        }
    }

    /// How many connections were made so far.
    public var connectionCount: Int {
        accepted.connections.withLock { $0.count }
    }

    deinit {
        // Ends the accepting thread, and every read of a script.
        shutdown(listener, Int32(SHUT_RDWR))
        accepted.connections.withLock { connections in
            for connection in connections { connection.close() }
        }
    }
}
