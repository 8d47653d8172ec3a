import Glibc

/// One request on a connection of its own.
enum HTTPPost {
    /// Posts a JSON text to 127.0.0.1 until the answer is a success; a program with too much to do may refuse it first.
    static func sendUntilTaken(_ body: [UInt8], port: Int, path: String) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let answer = try send(body, port: port, path: path)
            if answer.hasPrefix("HTTP/1.1 200 ") { return }
            guard ContinuousClock.now < deadline else { throw BenchmarkError("port \(port) answered: \(answer)") }
            usleep(5_000)
        }
    }

    private static func send(_ body: [UInt8], port: Int, path: String) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw BenchmarkError("no connection to port \(port)") }
        let head =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        let request = Array(head.utf8) + body
        guard write(descriptor, request, request.count) == request.count else {
            throw BenchmarkError("port \(port) took no request")
        }
        return TextFile.readAll(descriptor)
    }
}
