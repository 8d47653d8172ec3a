import CollectorTesting
import Foundation
import TestSupport
import Testing

/// Five hundred connections of the slow kinds at once: all end by their deadlines, and honest clients are answered all
/// the time.
///
/// The deadlines themselves, on a clock of the test's: `HTTPServerTests/DeadlineTests`.
@Suite("Slow connections", .timeLimit(.minutes(3)))
struct SlowConnectionTests {
    private enum Kind: CaseIterable {
        /// Nothing at all.
        case silent
        /// A byte of the head now and then.
        case drippingHead
        /// Line ends in place of a request, which are no request however many there are.
        case lineEnds
        /// A size of a chunk that never ends.
        case endlessChunkSize
        /// A byte of the body now and then.
        case drippingBody
        /// Half of a head, and then the sending side is closed.
        case halfClosed
    }

    /// A connection of a kind; sends a little whenever it is told to.
    private final class Slow {
        let kind: Kind
        let connection: RawConnection

        init(_ kind: Kind, port: Int) throws {
            self.kind = kind
            connection = try RawConnection(port: port, timeoutSeconds: 100)
            switch kind {
            case .silent, .lineEnds: break
            case .drippingHead: connection.send("GET /collect?name=a%20b HTTP/1.1\r\nHost: ")
            case .endlessChunkSize: connection.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n1;")
            case .drippingBody: connection.send(Self.head + "Content-Length: 10000\r\n\r\n{")
            case .halfClosed:
                connection.send(Self.head)
                connection.closeOutput()
            }
        }

        private static let head = "POST /collect HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n"

        /// Sends one more byte; false once the server does not take it.
        func drip() -> Bool {
            switch kind {
            case .silent, .halfClosed: true
            case .drippingHead, .endlessChunkSize: connection.send("a")
            case .lineEnds: connection.send("\r\n")
            case .drippingBody: connection.send(" ")
            }
        }
    }

    @Test("500 of six kinds end within their time; an honest client is answered meanwhile")
    func slow() async throws {
        let daemon = try await HostileDaemon.start()
        let port = daemon.port
        try await daemon.expectUnharmed("before")
        let before = ProcessFigures.descriptorCount(of: daemon.process.identifier)
        let (statuses, answeredCount) = try await BlockingWork.run { () -> (Set<Int>, Int) in
            let all = try (0..<500).map { try Slow(Kind.allCases[$0 % Kind.allCases.count], port: port) }
            var answeredCount = 0
            let honest = try RawConnection(port: port)
            // The latest deadline is that of bodies, one minute; honest requests pass the time until then.
            let end = ContinuousClock.now + .seconds(63)
            while ContinuousClock.now < end {
                for slow in all { _ = slow.drip() }
                let answer = try honest.post(Array(HostileDaemon.honestEvent("h\(answeredCount)").utf8))
                guard answer.status == 200 else {
                    throw TestSupportError("an honest client got \(answer.status)")
                }
                answeredCount += 1
                // A slow client is what this test is about, so it waits.
                usleep(200_000)
            }
            var statuses: Set<Int> = []
            for slow in all {
                let bytes = try slow.connection.receiveAll()
                if let status = Int(String(decoding: bytes.dropFirst(9).prefix(3), as: UTF8.self)) {
                    statuses.insert(status)
                }
            }
            return (statuses, answeredCount)
        }
        #expect(statuses.isSubset(of: [400, 408]) && statuses.contains(408), "\(statuses)")
        #expect(answeredCount > 50)
        try await daemon.expectUnharmed()
        #expect(ProcessFigures.descriptorCount(of: daemon.process.identifier) <= before + 1)
        await daemon.end()
    }

    @Test("who reads no answers is closed, and answers do not pile up")
    func neverReading() async throws {
        let daemon = try await HostileDaemon.start()
        let port = daemon.port
        let identifier = daemon.process.identifier
        let before = ProcessFigures.residentByteCount(of: identifier)
        let wasRefused = try await BlockingWork.run { () -> Bool in
            let request = Array(String(repeating: "GET /ready HTTP/1.1\r\nHost: h\r\n\r\n", count: 2_000).utf8)
            let connection = try RawConnection(port: port, timeoutSeconds: 100, receiveBufferByteCount: 4_096)
            // The server stops reading when its answers are not taken, and closes after its deadline of 30 s.
            for _ in 0..<1_000 where !connection.send(request) { return true }
            return false
        }
        #expect(wasRefused)
        #expect(ProcessFigures.residentByteCount(of: identifier) - before < 32 << 20)
        try await daemon.expectUnharmed()
        await daemon.end()
    }
}
