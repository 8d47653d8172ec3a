import Glibc

/// A connection of an open loop: one request under way, and the times at which further ones were due.
struct OpenLoopConnection {
    let descriptor: Int32
    /// When the requests that wait for their turn were due, in nanoseconds.
    var waiting: [Int] = []
    /// When the request under way was due.
    private var underWay: Int?
    private var answer: [UInt8] = []

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Sends the next request that waits, unless one is under way.
    mutating func sendNext(_ request: [UInt8]) throws {
        guard underWay == nil, !waiting.isEmpty else { return }
        underWay = waiting.removeFirst()
        // Nothing else is in the socket's buffer, so there is room for all of it.
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw BenchmarkError("a request could not be sent: \(String(cString: strerror(errno)))")
        }
    }

    /// Reads what is there; when the answer is complete, the time at which its request was due.
    mutating func receive() throws -> Int? {
        let count = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 { answer.append(contentsOf: buffer[..<count]) }
            return count
        }
        guard count > 0 else {
            if count < 0, errno == EAGAIN { return nil }
            throw BenchmarkError("a connection was closed under an honest client")
        }
        guard try HTTPAnswer.isComplete(answer) else { return nil }
        answer.removeAll(keepingCapacity: true)
        guard let due = underWay else { throw BenchmarkError("an answer came to no request") }
        underWay = nil
        return due
    }
}
