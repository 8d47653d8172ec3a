import Dispatch
import Glibc
import Synchronization

/// Clients that hold connections and let the server wait; those that it closes come back at once.
final class SlowConnections: Sendable {
    private enum Manner {
        /// A byte of a header field a second.
        case drippingHead
        /// A byte of a body a second.
        case drippingBody
        /// Requests with long answers, none of which is read: many at first, then one a second.
        case neverReading

        /// One of 25 never reads: until its answers fill the kernel's buffers it is no slow client but a busy one.
        init(of number: Int) {
            self = number % 25 == 0 ? .neverReading : number.isMultiple(of: 2) ? .drippingHead : .drippingBody
        }
    }

    private let port: Int
    private let connectionCount: Int
    private let isEnding = Atomic(false)
    private let slowClosedCount = Atomic(0)
    private let unreadClosedCount = Atomic(0)
    private let filledCount = Atomic(0)
    private let hasEnded = DispatchSemaphore(value: 0)

    /// From an address of their own: the server bounds the connections of each.
    private static let addressNumber = 2
    private static let millisecondsPerRound = 1_000

    /// Opens the connections within a second and begins to be slow, on a thread of its own.
    init(port: Int, count: Int) {
        self.port = port
        connectionCount = count
        DispatchQueue.global().async { self.goRound() }
    }

    /// Waits until those that never read have sent what fills the kernel's buffers with answers.
    func waitUntilFilled() throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let expected = (0..<connectionCount).count { Manner(of: $0) == .neverReading }
        while filledCount.load(ordering: .relaxed) < expected {
            guard ContinuousClock.now < deadline else { throw BenchmarkError("the server reads too slowly") }
            usleep(10_000)
        }
    }

    /// Closes the connections; how often the server closed one and it came back, of the slow and of those that never
    /// read.
    func end() -> (slow: Int, neverReading: Int) {
        isEnding.store(true, ordering: .relaxed)
        hasEnded.wait()
        return (slowClosedCount.load(ordering: .relaxed), unreadClosedCount.load(ordering: .relaxed))
    }

    private func goRound() {
        // Not all at once: they would all be closed at once as well, after the same time.
        var descriptors = Array(repeating: Int32(-1), count: connectionCount)
        var sentCounts = Array(repeating: 0, count: descriptors.count)
        var number = 0
        while !isEnding.load(ordering: .relaxed) {
            for _ in 0..<max(1, descriptors.count * 10 / Self.millisecondsPerRound) {
                number = (number + 1) % descriptors.count
                let manner = Manner(of: number)
                if descriptors[number] >= 0 {
                    if bringMore(descriptors[number], manner, &sentCounts[number]) { continue }
                    if manner == .neverReading {
                        unreadClosedCount.add(1, ordering: .relaxed)
                    } else {
                        slowClosedCount.add(1, ordering: .relaxed)
                    }
                    close(descriptors[number])
                }
                descriptors[number] = (try? open(number)) ?? -1
                sentCounts[number] = 0
            }
            let fillingByteCount = Self.fillingCount * Self.fruitless.count
            filledCount.store(sentCounts.count { $0 >= fillingByteCount }, ordering: .relaxed)
            usleep(10_000)
        }
        for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
        hasEnded.signal()
    }

    private func open(_ number: Int) throws -> Int32 {
        let manner = Manner(of: number)
        let descriptor = try LoopbackSocket.connect(
            port: port,
            from: Self.addressNumber,
            receiveBufferBytes: manner == .neverReading ? 2_048 : nil
        )
        switch manner {
        case .drippingHead: _ = send(Array("POST /collect HTTP/1.1\r\nHost: x\r\nSlow: ".utf8)[...], to: descriptor)
        case .drippingBody: _ = send(HTTPRequestText.postHead("/collect", bodyByteCount: 600)[...], to: descriptor)
        case .neverReading: break
        }
        return descriptor
    }

    /// Brings the next bytes; whether the connection is still open.
    ///
    /// - Parameter sentCount: The bytes that those who never read have sent.
    private func bringMore(_ descriptor: Int32, _ manner: Manner, _ sentCount: inout Int) -> Bool {
        guard manner == .neverReading else {
            var byte: UInt8 = 0
            // Whatever comes is a refusal or the end.
            guard recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) < 0, errno == EAGAIN else { return false }
            return send([UInt8(ascii: "a")], to: descriptor) == 1
        }
        let requestCount = sentCount < Self.fillingCount * Self.fruitless.count ? 100 : 1
        let end = (sentCount / Self.fruitless.count + requestCount) * Self.fruitless.count
        while sentCount < end {
            let count = send(Self.fruitless[(sentCount % Self.fruitless.count)...], to: descriptor)
            guard count > 0 else { return errno == EAGAIN }
            sentCount += count
        }
        return true
    }

    /// Requests whose answers, of 4 KB each, are more than the kernel keeps for a connection of this machine's.
    private static let fillingCount = 700

    /// A hundred events without names: a short request with a long answer, as every one is refused.
    private static let fruitless: [UInt8] = {
        let body = "[" + Array(repeating: "{}", count: 100).joined(separator: ",") + "]"
        return HTTPRequestText.post("/collect", Array(body.utf8))
    }()

    private func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
    }
}
