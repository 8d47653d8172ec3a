import CollectorTesting
import EventJSON
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// One daemon takes over from another on a socket that outlives both.
@Suite("collectord is restarted", .timeLimit(.minutes(2)))
struct RestartTests {
    /// A socket that listens on a free port of this machine.
    private final class Listening {
        let descriptor: Int32
        let port: Int

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    bind(descriptor, address, size) == 0 && listen(descriptor, 1000) == 0
                        && getsockname(descriptor, address, &size) == 0
                }
            }
            try #require(isBound)
            port = Int(UInt16(bigEndian: address.sin_port))
        }

        deinit {
            close(descriptor)
        }

        /// Runs a program with the socket as its descriptor 3, as systemd does.
        var wrapper: [String] {
            ["bash", "-c", #"exec 3<&\#(descriptor); export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@""#, "bash"]
        }
    }

    @Test("under load, five times: no connection is refused, no request fails, no event is lost")
    func takesOver() async throws {
        let directory = try TemporaryDirectory()
        let listening = try Listening()
        let port = listening.port
        func output(_ generation: Int) -> String { "\(directory.path)/out\(generation).jsonl" }
        func start(_ generation: Int) async throws -> DaemonProcess {
            let flow = "\(directory.path)/flow\(generation).json"
            try Data(
                #"""
                {"version":4,"flows":{"f":{"sources":{"http":{"package":"http"}},"destinations":{"file":{
                  "package":"file","config":{"settings":{"filename":"\#(output(generation))"}}}}}}}
                """#.utf8
            ).write(to: URL(filePath: flow))
            return try await DaemonProcess.start(["run", flow, "--port", "1"], wrapper: listening.wrapper)
        }
        let shared = Shared()
        var daemon = try await start(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<4 {
                group.addTask {
                    var number = 0
                    while !shared.isOver {
                        let id = "s\(sender)-\(number)"
                        let answer = try await HTTPExchange.post(#"{"name":"page view","id":"\#(id)"}"#, port: port)
                        #expect(answer.status == 200)
                        shared.note(id)
                        number += 1
                    }
                }
            }
            for generation in 1...5 {
                let count = shared.count
                while shared.count < count + 20, !Task.isCancelled { await Task.yield() }
                // Until the next one listens, connections wait in the socket.
                let end = await daemon.stop()
                #expect(end.code == 0, "\(end.code): \(end.errors.suffix(2000))")
                daemon = try await start(generation)
            }
            shared.end()
            try await group.waitForAll()
        }
        let end = await daemon.stop()
        #expect(end.code == 0, "\(end.code): \(end.errors.suffix(2000))")
        var ids: [String] = []
        for generation in 0...5 {
            guard let data = try? Data(contentsOf: URL(filePath: output(generation))) else { continue }
            let text = String(decoding: data, as: UTF8.self)
            for line in text.split(separator: "\n") {
                ids.append(try JSONValue(jsonText: String(line))["id"].string ?? "")
            }
        }
        #expect(ids.sorted() == shared.acknowledged.sorted())
        withExtendedLifetime((directory, listening)) {}
    }

    /// What senders and the one who restarts tell each other.
    private final class Shared: Sendable {
        private let over = Mutex(false)
        private let ids = Mutex<[String]>([])

        var isOver: Bool { over.withLock { $0 } }
        var count: Int { ids.withLock { $0.count } }
        var acknowledged: [String] { ids.withLock { $0 } }
        func end() { over.withLock { $0 = true } }
        func note(_ id: String) { ids.withLock { $0.append(id) } }
    }

    @Test("sockets that are meant for another process, or are none, are left alone")
    func notForUs() async throws {
        let listening = try Listening()
        let wrapper = [
            "bash", "-c", #"exec 3<&\#(listening.descriptor); export LISTEN_PID=1 LISTEN_FDS=1; exec "$@""#, "bash",
        ]
        let daemon = try await DaemonProcess.start(["run", "--port", "0"], wrapper: wrapper)
        #expect(daemon.port != listening.port)
        _ = await daemon.stop()
        let file = ["bash", "-c", #"exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@""#, "bash"]
        let other = try await DaemonProcess.start(["run", "--port", "0"], wrapper: file)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: other.port).status == 200)
        _ = await other.stop()
        withExtendedLifetime(listening) {}
    }
}
