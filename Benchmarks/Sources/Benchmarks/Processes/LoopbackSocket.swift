import Glibc

/// TCP sockets of this machine's own addresses.
enum LoopbackSocket {
    /// 127.0.0.1, and further ones of this machine: `address(2)` is 127.0.0.2.
    static func address(_ number: Int, port: Int = 0) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port).bigEndian)
        address.sin_addr.s_addr = (UInt32(0x7F00_0000) + UInt32(clamping: number)).bigEndian
        return address
    }

    /// A blocking connection to a port of 127.0.0.1, from one of this machine's addresses.
    ///
    /// With `receiveBufferBytes` the kernel keeps no more than that on this side, unread.
    static func connect(port: Int, from number: Int = 1, receiveBufferBytes: Int32? = nil) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw error("no socket") }
        if var size = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let isConnected =
            withAddress(address(number)) { bind(descriptor, $0, $1) } == 0
            && withAddress(address(1, port: port)) { Glibc.connect(descriptor, $0, $1) } == 0
        guard isConnected else {
            let failure = error("no connection to port \(port)")
            close(descriptor)
            throw failure
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    /// A port that was free a moment ago, for programs that cannot say which one the system chose.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        guard withAddress(address(1), { bind(descriptor, $0, $1) }) == 0,
            withUnsafeMutablePointer(
                to: &bound,
                { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) } }
            ) == 0
        else { throw error("no free port") }
        return Int(UInt16(bigEndian: bound.sin_port))
    }

    /// Waits until connections to a port are taken.
    static func waitUntilListening(port: Int) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do {
                close(try connect(port: port))
                return
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                usleep(5_000)
            }
        }
    }

    private static func withAddress(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
        -> Int32
    {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                body(generic, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func error(_ what: String) -> BenchmarkError {
        BenchmarkError("\(what): \(String(cString: strerror(errno)))")
    }
}
