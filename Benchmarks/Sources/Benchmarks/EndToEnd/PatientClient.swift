import Glibc

/// One connection on which a request is sent again when it is answered.
final class PatientClient {
    private let descriptor: Int32
    private let request: [UInt8]

    /// Connects from one of this machine's addresses.
    init(port: Int, from addressNumber: Int = 1, request: [UInt8]) throws {
        descriptor = try LoopbackSocket.connect(port: port, from: addressNumber)
        self.request = request
    }

    deinit {
        close(descriptor)
    }

    /// Whether the server has left the connection open, and said nothing unasked.
    var isOpen: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) < 0 && errno == EAGAIN
    }

    /// Sends the request that many times; every answer must be a success.
    func ask(count: Int) throws {
        for _ in 0..<count {
            guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
                throw BenchmarkError("a request could not be sent: \(String(cString: strerror(errno)))")
            }
            var answer: [UInt8] = []
            while try !HTTPAnswer.isComplete(answer) { try receive(into: &answer) }
        }
    }

    private func receive(into answer: inout [UInt8]) throws {
        let count = withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { answer.append(contentsOf: buffer[..<count]) }
            return count
        }
        guard count > 0 else { throw BenchmarkError("a connection was closed before an answer") }
    }
}
