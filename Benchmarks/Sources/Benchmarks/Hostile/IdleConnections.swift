import Glibc

/// Connections that have asked once and then rest, from several addresses of this machine.
struct IdleConnections {
    private let clients: [PatientClient]

    /// Fewer than the thousand that the server lets one address have.
    private static let countPerAddress = 900

    /// Opens the connections; each gets an answer, so that the server has done all that it does for one.
    init(port: Int, count: Int) throws {
        let request = Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        clients = try (0..<count).map { number in
            let client = try PatientClient(port: port, from: 2 + number / Self.countPerAddress, request: request)
            try client.ask(count: 1)
            return client
        }
    }

    /// How many the server has not closed.
    var openCount: Int { clients.count(where: \.isOpen) }

    /// Lets this process, and those that it starts, have as many descriptors as the system allows.
    ///
    /// - Throws: When that is too few for so many connections.
    static func raiseDescriptorLimit(connectionCount: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur > connectionCount + 500 else {
            throw BenchmarkError("\(connectionCount) connections need more descriptors than ulimit -Hn allows")
        }
    }
}
