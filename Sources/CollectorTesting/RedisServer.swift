import Glibc
import Synchronization

/// A real `redis-server` of a test's own, in a folder of its own, listening on a unix socket.
///
/// ```swift
/// let server = try RedisServer()
/// let probe = try server.probe()
/// try probe.command("SET", "a", "1")
/// server.kill()        // as by kill -9
/// try server.start()   // again, in the same folder
/// ```
///
/// The process is killed, and the folder deleted, when the last reference goes.
public final class RedisServer: Sendable {
    /// The socket's path.
    public let socketPath: String
    /// The TCP port on 127.0.0.1, when asked for.
    public let port: Int?

    private let directory: TemporaryDirectory
    private let arguments: [String]
    private let process = Mutex<Process?>(nil)

    private struct Process {
        let identifier: pid_t
        let watchdog: Watchdog
    }

    /// Starts a server and waits until it answers PING.
    ///
    /// - Parameters:
    ///   - arguments: More arguments, such as `["--appendonly", "yes"]`.
    ///   - listensOnTCP: Listen on a free port of 127.0.0.1 as well.
    ///   - speaksTLS: Speak TLS on that port; give the certificates as arguments.
    public init(_ arguments: [String] = [], listensOnTCP: Bool = false, speaksTLS: Bool = false) throws {
        directory = try TemporaryDirectory()
        socketPath = directory.path + "/redis.sock"
        port = listensOnTCP ? try Self.freePort() : nil
        let basics = [
            "--port", speaksTLS ? "0" : String(port ?? 0), "--bind", "127.0.0.1", "--unixsocket", socketPath, "--dir",
            directory.path,
            "--save", "", "--logfile", directory.path + "/redis.log", "--daemonize", "no",
        ]
        // Not every redis-server knows the option.
        let tls = speaksTLS ? ["--tls-port", String(port ?? 0)] : []
        self.arguments = ["redis-server"] + basics + tls + arguments
        try start()
    }

    /// Starts a Sentinel that watches a primary, and waits until it answers PING.
    ///
    /// A primary that does not answer for 500 ms counts as down once `quorum` Sentinels say so. With `speaksTLS` the
    /// Sentinel speaks TLS to clients and servers; the certificates are lines.
    public init(
        sentinelFor primary: RedisServer,
        name: String,
        quorum: Int,
        speaksTLS: Bool = false,
        _ lines: [String] = []
    ) throws {
        directory = try TemporaryDirectory()
        socketPath = directory.path + "/sentinel.sock"
        let port = try Self.freePort()
        self.port = port
        let watched = primary.port ?? 0
        let configuration =
            [
                speaksTLS ? "port 0\ntls-port \(port)" : "port \(port)", "bind 127.0.0.1", "unixsocket \(socketPath)",
                "dir \(directory.path)",
                "logfile \(directory.path)/redis.log", "sentinel monitor \(name) 127.0.0.1 \(watched) \(quorum)",
                "sentinel down-after-milliseconds \(name) 500", "sentinel failover-timeout \(name) 4000",
            ] + lines
        // Sentinel writes what it learns into its own configuration.
        let path = directory.path + "/sentinel.conf"
        try TestFile.write(configuration.joined(separator: "\n") + "\n", to: path)
        arguments = ["redis-server", path, "--sentinel"]
        try start()
    }

    deinit {
        kill()
    }

    /// The folder in which the server runs.
    public var directoryPath: String { directory.path }

    /// Starts the server again after ``kill()`` or ``stop()``, and waits until it answers PING.
    ///
    /// With `loads` it is enough that it answers at all: that it still reads its data set.
    public func start(loads: Bool = false) throws {
        try process.withLock { process in
            guard process == nil else { return }
            unlink(socketPath)
            let identifier = try ChildProcess.spawn(arguments)
            process = Process(identifier: identifier, watchdog: try Watchdog(watching: identifier))
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while !answersPing(loads: loads) {
            guard ContinuousClock.now < deadline else {
                throw TestSupportError("redis-server does not answer; its log is \(directory.path)/redis.log")
            }
            usleep(2_000)
        }
    }

    /// Kills the process at once (SIGKILL) and waits for its end.
    public func kill() {
        end(SIGKILL)
    }

    /// Asks the process to end (SIGTERM) and waits for its end.
    public func stop() {
        end(SIGTERM)
    }

    /// Stops the process in its tracks (SIGSTOP) until ``resume()``: connections stay, nothing is answered.
    public func freeze() {
        process.withLock { process in _ = process.map { Glibc.kill($0.identifier, SIGSTOP) } }
    }

    /// Lets the process go on after ``freeze()``.
    public func resume() {
        process.withLock { process in _ = process.map { Glibc.kill($0.identifier, SIGCONT) } }
    }

    /// A new connection for looking at the server.
    public func probe() throws -> RESPProbe {
        try RESPProbe(unixSocket: socketPath)
    }

    private func answersPing(loads: Bool) -> Bool {
        guard let probe = try? RESPProbe(unixSocket: socketPath), let reply = try? probe.command("PING") else {
            return false
        }
        // A server that wants a password is up as well.
        return reply == .status("PONG") || reply.text?.hasPrefix("NOAUTH") == true
            || loads && reply.text?.hasPrefix("LOADING") == true
    }

    private func end(_ signal: Int32) {
        process.withLock { process in
            guard let running = process else { return }
            process = nil
            running.watchdog.end()
            Glibc.kill(running.identifier, signal)
            // A frozen process takes SIGTERM only when it goes on.
            Glibc.kill(running.identifier, SIGCONT)
            ChildProcess.wait(for: running.identifier)
        }
    }

    /// A port that is free, and that no other server of this process is given.
    ///
    /// Below those that the kernel gives to outgoing connections, which would take it in the meantime.
    package static func freePort() throws -> Int {
        for _ in 0..<ports.count {
            let port = nextPort.withLock { next in
                next = next + 1 < ports.upperBound ? next + 1 : ports.lowerBound
                return next
            }
            if isFree(port) { return port }
        }
        throw TestSupportError("no free port from \(ports.lowerBound) to \(ports.upperBound)")
    }

    private static let ports = 12_000..<32_000
    // Two test processes at a time begin at different places.
    private static let nextPort = Mutex(ports.lowerBound + Int(getpid()) * 61 % ports.count)

    private static func isFree(_ port: Int) -> Bool {
        // Close-on-exec from the start: a server that another test starts now would keep the port for itself.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
