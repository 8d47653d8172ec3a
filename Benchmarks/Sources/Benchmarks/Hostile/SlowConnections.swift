import Dispatch
import Glibc
import Synchronization

/// Clients that hold connections and let the server wait; those that it closes come back at once.
final class SlowConnections: Sendable {
    private enum Manner: Int, CaseIterable {
        /// A byte of a header field a second.
        case drippingHead
        /// A byte of a body a second.
        case drippingBody
        /// Requests with long answers, none of which is read.
        case neverReading
    }

    private let port: Int
    private let connectionCount: Int
    private let isEnding = Atomic(false)
    private let closedCount = Atomic(0)
    private let hasEnded = DispatchSemaphore(value: 0)

    /// From an address of their own: the server bounds the connections of each.
    private static let addressNumber = 2
    private static let millisecondsPerRound = 1_000

    /// Opens the connections and begins to be slow, on a thread of its own.
    init(port: Int, count: Int) throws {
        self.port = port
        connectionCount = count
        var descriptors: [Int32] = []
        for number in 0..<count { descriptors.append(try open(number)) }
        DispatchQueue.global().async { [descriptors] in self.goRound(descriptors) }
    }

    /// Closes the connections; how often the server closed one of them and it came back.
    func end() -> Int {
        isEnding.store(true, ordering: .relaxed)
        hasEnded.wait()
        return closedCount.load(ordering: .relaxed)
    }

    private func goRound(_ opened: [Int32]) {
        var descriptors = opened
        var number = 0
        while !isEnding.load(ordering: .relaxed) {
            for _ in 0..<max(1, descriptors.count * 10 / Self.millisecondsPerRound) {
                number = (number + 1) % descriptors.count
                guard !isAlive(descriptors[number], manner(number)) else { continue }
                closedCount.add(1, ordering: .relaxed)
                close(descriptors[number])
                descriptors[number] = (try? open(number)) ?? -1
            }
            usleep(10_000)
        }
        for descriptor in descriptors { close(descriptor) }
        hasEnded.signal()
    }

    private func manner(_ number: Int) -> Manner {
        Manner(rawValue: number % Manner.allCases.count) ?? .drippingHead
    }

    private func open(_ number: Int) throws -> Int32 {
        let manner = manner(number)
        let descriptor = try LoopbackSocket.connect(
            port: port,
            from: Self.addressNumber,
            receiveBufferBytes: manner == .neverReading ? 2_048 : nil
        )
        switch manner {
        case .drippingHead: _ = write("POST /collect HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", to: descriptor)
        case .drippingBody: _ = write(head(bodyByteCount: 600) + "{\"name\":\"", to: descriptor)
        case .neverReading: _ = isAlive(descriptor, manner)
        }
        return descriptor
    }

    /// Brings the next bytes; whether the connection is still of use.
    private func isAlive(_ descriptor: Int32, _ manner: Manner) -> Bool {
        switch manner {
        case .drippingHead, .drippingBody:
            var byte: UInt8 = 0
            // Whatever comes is a refusal or the end.
            guard recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) < 0, errno == EAGAIN else { return false }
            return write("a", to: descriptor)
        case .neverReading:
            // As many as the server takes, until it reads no more itself.
            for _ in 0..<100 where !write(Self.fruitless, to: descriptor) { return errno == EAGAIN }
            return true
        }
    }

    /// A hundred events without names: a short request with a long answer, as every one is refused.
    private static let fruitless: String = {
        let body = "[" + Array(repeating: "{}", count: 100).joined(separator: ",") + "]"
        return "POST /collect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }()

    private func head(bodyByteCount: Int) -> String {
        "POST /collect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(bodyByteCount)\r\n\r\n"
    }

    private func write(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
        return send(descriptor, bytes, bytes.count, flags) == bytes.count
    }
}
