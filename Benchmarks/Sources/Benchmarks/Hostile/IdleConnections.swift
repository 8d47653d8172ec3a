import Glibc

/// Connections that have asked once and then rest, from several addresses of this machine.
final class IdleConnections {
    private var descriptors: [Int32] = []

    /// Fewer than the thousand that the server lets one address have.
    private static let countPerAddress = 900
    private static let request = Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)

    /// Opens the connections; each gets an answer, so that the server has done all that it does for one.
    init(port: Int, count: Int) throws {
        descriptors.reserveCapacity(count)
        for number in 0..<count {
            let descriptor = try LoopbackSocket.connect(port: port, from: 2 + number / Self.countPerAddress)
            descriptors.append(descriptor)
            guard send(descriptor, Self.request, Self.request.count, Int32(MSG_NOSIGNAL)) > 0 else {
                throw BenchmarkError("connection \(number) was refused")
            }
            var answer: [UInt8] = []
            while try !HTTPAnswer.isComplete(answer) { try receive(from: descriptor, number, into: &answer) }
        }
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }

    /// How many the server has not closed.
    var openCount: Int {
        descriptors.count { descriptor in
            var byte: UInt8 = 0
            return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) < 0 && errno == EAGAIN
        }
    }

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

    private func receive(from descriptor: Int32, _ number: Int, into answer: inout [UInt8]) throws {
        let count = withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { answer.append(contentsOf: buffer[..<count]) }
            return count
        }
        guard count > 0 else { throw BenchmarkError("connection \(number) was closed before its answer") }
    }
}
