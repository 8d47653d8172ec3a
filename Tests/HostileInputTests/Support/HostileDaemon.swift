import Collector
import CollectorTesting
import EventJSON
import Foundation
import Synchronization
import TestSupport
import Testing

/// The real daemon with a flow that maps, to be sent what strangers send, and to be asked whether it took harm.
///
/// Every event goes to two files: `plain.jsonl` has it as it was accepted, `mapped.jsonl` what conditions, a data map, a
/// loop and consent made of it.
final class HostileDaemon: Sendable {
    let directory: TemporaryDirectory
    let process: DaemonProcess
    var port: Int { process.port }

    private let hasEnded = Mutex(false)

    private init(_ directory: TemporaryDirectory, _ process: DaemonProcess) {
        self.directory = directory
        self.process = process
    }

    deinit {
        // A test that fails before its end leaves no daemon behind.
        if !hasEnded.withLock({ $0 }) { kill(process.identifier, SIGKILL) }
    }

    /// Starts a daemon; `source` are members of the source's configuration, `destinations` more destinations.
    static func start(
        source: String = "",
        destinations: String = "",
        collector: String = "{}",
        arguments: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> HostileDaemon {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/flow.json"
        try Data(flow(in: directory.path, source: source, destinations: destinations, collector: collector).utf8)
            .write(to: URL(filePath: path))
        let process = try await DaemonProcess.start(["run", path, "--port", "0"] + arguments, environment: environment)
        return HostileDaemon(directory, process)
    }

    private static func flow(in folder: String, source: String, destinations: String, collector: String) -> String {
        #"""
        {"version":4,"flows":{"hostile":{"collector":\#(collector),
          "sources":{"http":{"package":"http"\#(source)}},
          "destinations":{
            "plain":{"package":"file","config":{
              "settings":{"filename":"\#(folder)/plain.jsonl","fsync":"never"}}},
            "mapped":{"package":"file","config":{
              "settings":{"filename":"\#(folder)/mapped.jsonl","fsync":"never","content":"data"},
              "consent":{"analytics":true},
              "policy":{"custom.text":{"key":"data.value","fn":["trim","lowercase"]}},
              "mapping":{"*":{"*":{"data":{"map":{
                "value":"data.value",
                "first":"data.value.0",
                "every":"data.value.*.id",
                "number":{"key":"data.value","fn":["number"]},
                "query":{"key":"data.value","fn":["queryString"]},
                "items":{"loop":["data.value",{"map":{"id":"id","name":{"key":"a","fn":["string"]}}}]},
                "matches":{"condition":{"key":"data.value","operator":"regex","value":"^(a|b)*[a-z]+$"},"value":true},
                "exceeds":{"condition":{"key":"data.value","operator":"gt","value":"10"},"value":true},
                "user":{"key":"user.id","consent":{"marketing":true},"value":"hidden"}}}}}}}}\#(destinations)}}}}
        """#
    }

    /// Runs blocking work with a connection of its own that keeps alive.
    func converse<Result: Sendable>(
        _ body: @escaping @Sendable (RawConnection) throws -> Result
    ) async throws -> Result {
        let port = port
        return try await BlockingWork.run { try body(RawConnection(port: port)) }
    }

    /// Posts a body on a connection of its own.
    func post(_ body: [UInt8]) async throws -> HTTPAnswer {
        try await converse { try $0.post(body) }
    }

    /// The lines that a file destination has written.
    func lines(_ name: String) throws -> [String] {
        guard let data = FileManager.default.contents(atPath: "\(directory.path)/\(name).jsonl") else { return [] }
        return data.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    /// An honest event of all fifteen members, which is delivered as the very bytes that were sent.
    static func honestEvent(_ id: String) -> String {
        #"{"name":"honest event","data":{"value":"é\"\\ 😀","number":1.50,"list":[1,null,true,{}]},"#
            + #""context":{},"globals":{},"custom":{},"user":{"id":"u"},"nested":[],"consent":{"analytics":true},"#
            + #""id":"\#(id)","trigger":"","entity":"honest","action":"event","timestamp":1700000000000,"timing":1.5,"#
            + #""source":{"type":"test","count":7,"trace":"t","release":{"hostile":"\#(CollectorVersion.current)"}}}"#
    }

    /// Checks that the same process still lives, and accepts and delivers an honest event byte for byte.
    func expectUnharmed(_ id: String = "honest", sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(ProcessFigures.isRunning(process.identifier), sourceLocation: sourceLocation)
        let event = Self.honestEvent(id)
        let answer = try await HTTPExchange.post(event, port: port)
        #expect(answer.status == 200, "\(answer.text)", sourceLocation: sourceLocation)
        #expect(try lines("plain").contains(event), sourceLocation: sourceLocation)
        let mapped = try lines("mapped").last ?? ""
        #expect(mapped.hasPrefix(#"{"value":"é\"\\ 😀""#), "\(mapped)", sourceLocation: sourceLocation)
    }

    /// Ends the daemon and checks that it ended well; what it wrote.
    @discardableResult
    func end(sourceLocation: SourceLocation = #_sourceLocation) async -> DaemonProcess.End {
        let end = await process.stop()
        hasEnded.withLock { $0 = true }
        #expect(end.code == 0, "\(end.errors.suffix(2000))", sourceLocation: sourceLocation)
        return end
    }
}

extension RawConnection {
    /// Posts a body and gives the answer.
    ///
    /// - Throws: if the server closes instead.
    func post(_ body: [UInt8], to target: String = "/collect", headers: String = "") throws -> HTTPAnswer {
        send(
            "POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\(headers)Content-Length: "
                + "\(body.count)\r\n\r\n"
        )
        send(body)
        guard let answer = try answer() else {
            throw TestSupportError("the server closed instead of answering")
        }
        return answer
    }
}
