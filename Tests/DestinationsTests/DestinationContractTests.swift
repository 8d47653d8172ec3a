import Collector
import CollectorTesting
import EventJSON
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Destinations

@Suite("Destination contract: memory and console", .timeLimit(.minutes(2)))
struct DestinationContractTests {
    @Test("memory", arguments: DestinationContract.scenarios(for: MemorySubject.self))
    func memory(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: MemorySubject.self)
    }

    @Test("console", arguments: DestinationContract.scenarios(for: ConsoleSubject.self))
    func console(_ scenario: DestinationContract.Scenario) async throws {
        try await DestinationContract.check(scenario, of: ConsoleSubject.self)
    }
}

/// Memory, of which nothing can go wrong. Each destination keeps what the one before it had.
private final class MemorySubject: DestinationContractSubject {
    static let unsupportedWeather: [DestinationContract.Weather: String] = [
        .down: "memory is always there", .hanging: "memory answers at once", .refusing: "memory takes everything",
    ]

    private let destinations = Mutex<[MemoryDestination]>([])

    init() {}

    func makeDestination() -> any Destination {
        let destination = MemoryDestination()
        destinations.withLock { $0.append(destination) }
        return destination
    }

    func arrivedEventIDs() -> [String] {
        destinations.withLock { $0.flatMap(\.deliveries) }.map(\.event.id)
    }
}

/// A socket in place of standard output, with a reader that may stop to read.
private final class ConsoleSubject: DestinationContractSubject {
    static let unsupportedWeather: [DestinationContract.Weather: String] = [
        .down: "standard output does not come back once it is closed",
        .refusing: "standard output takes everything",
    ]
    // What hangs when an attempt is given up is written once someone reads again.
    let maximumDuplicateCount = 20 * 5

    private let writing: Int32
    private let reader: Reader

    init() throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw POSIXError(.EMFILE)
        }
        // Small, so that it is full soon.
        var byteCount: Int32 = 4096
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &byteCount, socklen_t(MemoryLayout<Int32>.size))
        writing = ends[1]
        reader = Reader(ends[0])
    }

    deinit { close(writing) }

    func makeDestination() -> any Destination { ConsoleDestination(.event, descriptor: writing) }

    func setWeather(_ weather: DestinationContract.Weather) async {
        guard weather == .hanging else { return reader.resume() }
        let (descriptor, reader) = (writing, reader)
        await BlockingWork.run {
            // An empty line, so that the reader notices, and then as many as the socket takes.
            var byte = UInt8(ascii: "\n")
            reader.pause { _ = write(descriptor, &byte, 1) }
            while send(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) == 1 {}
        }
    }

    func arrivedEventIDs() async throws -> [String] {
        // A mark at the end says that everything before it has been read.
        let mark = Array("end\n".utf8)
        let descriptor = writing
        let reader = reader
        let text = await BlockingWork.run {
            _ = write(descriptor, mark, mark.count)
            return reader.text(upTo: "end\n")
        }
        return try text.split(separator: "\n").filter { $0 != "end" }
            .compactMap { try JSONValue(jsonText: String($0))["id"].string }
    }

    // Unchecked: `bytes`, `isPaused` and `isParked` are only touched while `condition` is locked.
    private final class Reader: @unchecked Sendable {
        private let condition = NSCondition()
        private var bytes: [UInt8] = []
        private var isPaused = false
        private var isParked = false

        init(_ descriptor: Int32) {
            Thread.detachNewThread { [self] in
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    park()
                    let count = read(descriptor, &buffer, buffer.count)
                    guard count > 0 else { break }
                    condition.withLock {
                        bytes += buffer[..<count]
                        condition.broadcast()
                    }
                }
                close(descriptor)
            }
        }

        private func park() {
            condition.withLock {
                while isPaused {
                    isParked = true
                    condition.broadcast()
                    condition.wait()
                }
                isParked = false
            }
        }

        /// Stops to read; returns once the reader, woken by `wake`, has stopped.
        func pause(_ wake: () -> Void) {
            condition.withLock {
                isPaused = true
                wake()
                while !isParked { condition.wait() }
            }
        }

        func resume() {
            condition.withLock {
                isPaused = false
                condition.broadcast()
            }
        }

        /// Everything so far, once it ends like this.
        func text(upTo end: String) -> String {
            condition.withLock {
                while !String(decoding: bytes, as: UTF8.self).hasSuffix(end) { condition.wait() }
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}
