import CollectorTesting
import EventJSON
import Foundation
import Synchronization
import TestSupport
import Testing

/// A running daemon exchanges its flow: by SIGHUP, and by `collectord reload`.
@Suite("collectord reload", .timeLimit(.minutes(2)))
struct ReloadTests {
    /// A flow file that a test writes again and again.
    private struct FlowText {
        let directory: TemporaryDirectory
        var path: String { directory.path + "/flow.json" }
        var output: String { directory.path + "/out.jsonl" }
        var admin: String { "unix:\(directory.path)/admin.sock" }

        init() throws {
            directory = try TemporaryDirectory()
        }

        func write(_ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        }

        /// Events of one source into one file, their names as the mapping says.
        func write(name: String, sources: String = #""http":{"package":"http"}"#) throws {
            try write(
                #"""
                {"version":4,"flows":{"f":{
                  "sources":{\#(sources)},
                  "destinations":{"file":{"package":"file","config":{
                    "settings":{"filename":"\#(output)"},
                    "mapping":{"page":{"view":{"name":"\#(name)"}}}}}}}}}
                """#
            )
        }

        var written: [JSONValue] {
            get throws {
                let text = try String(decoding: Data(contentsOf: URL(filePath: output)), as: UTF8.self)
                return try text.split(separator: "\n").map { try JSONValue(jsonText: String($0)) }
            }
        }
    }

    private func get(_ path: String, host: String = "localhost", port: Int) async throws -> HTTPAnswer {
        let text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
        return try await HTTPExchange.send(Array(text.utf8), port: port)
    }

    @Test("under load, ten times: every event is answered 200 and written once, by the rules of its time")
    func underLoad() async throws {
        let flow = try FlowText()
        try flow.write(name: "generation 0")
        let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0"])
        let isOver = SharedValue(false)
        let acknowledged = SharedValue<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<4 {
                group.addTask {
                    var number = 0
                    while !isOver.value {
                        let id = "s\(sender)-\(number)"
                        let answer = try await HTTPExchange.post(
                            #"{"name":"page view","id":"\#(id)"}"#,
                            port: daemon.port
                        )
                        #expect(answer.status == 200)
                        acknowledged.change { $0.append(id) }
                        number += 1
                    }
                }
            }
            group.addTask {
                for generation in 1...11 {
                    // Each flow has its turn.
                    let count = acknowledged.value.count
                    while acknowledged.value.count < count + 8, !Task.isCancelled { await Task.yield() }
                    if generation == 11 { break }
                    try flow.write(name: "generation \(generation)")
                    kill(daemon.identifier, SIGHUP)
                    await daemon.errorLines(containing: "the flow was exchanged", count: generation)
                }
                isOver.change { $0 = true }
            }
            try await group.waitForAll()
        }
        #expect(await daemon.stop().code == 0)
        let written = try flow.written
        let ids = written.compactMap { $0["id"].string }
        #expect(ids.count == acknowledged.value.count)
        #expect(Set(ids) == Set(acknowledged.value))
        let names = written.compactMap { $0["name"].string }
        #expect(Set(names) == Set((0...10).map { "generation \($0)" }))
        for sender in 0..<4 {
            let own = ids.filter { $0.hasPrefix("s\(sender)-") }
            #expect(own == own.indices.map { "s\(sender)-\($0)" })
        }
    }

    @Test("a bad file keeps the old flow, and says what is wrong and where")
    func badFile() async throws {
        let flow = try FlowText()
        try flow.write(name: "first name")
        let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0", "--admin", flow.admin])
        await daemon.errorLines(containing: "HTTP server listens", count: 2)
        func reload() async throws -> DaemonProcess.End {
            try await DaemonProcess.run(["reload", "--admin", flow.admin])
        }
        try flow.write(#"{"version":4,"flows":{"f":{"destinations":{"x":{"package":"nothing"}}}}}"#)
        let unknown = try await reload()
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("flow.json:1:"), "\(unknown.errors)")
        #expect(unknown.errors.contains("nothing"))
        try flow.write(#"{"version":4"#)
        #expect(try await reload().code == 1)
        try FileManager.default.removeItem(atPath: flow.path)
        #expect(try await reload().errors.contains("cannot be read"))
        kill(daemon.identifier, SIGHUP)
        await daemon.errorLines(containing: "the old one goes on", count: 4)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(try flow.written.map { $0["name"] } == ["first name"])
        // A port that cannot be had is no reason to end either.
        let taken = try await DaemonProcess.start(["run", "--port", "0"])
        let settings = #"{"port":\#(taken.port),"host":"0.0.0.0"}"#
        try flow.write(
            name: "second name",
            sources: #""http":{"package":"http"},"other":{"package":"http","config":{"settings":\#(settings)}}"#
        )
        let refused = try await reload()
        #expect(refused.code == 1)
        #expect(refused.errors.contains("Cannot listen on 0.0.0.0:\(taken.port)"), "\(refused.errors)")
        _ = await taken.stop()
        try flow.write(name: "second name")
        #expect(try await reload().code == 0)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(try flow.written.map { $0["name"] } == ["first name", "second name"])
        #expect(await daemon.stop().code == 0)
        #expect(!FileManager.default.fileExists(atPath: flow.directory.path + "/admin.sock"))
    }

    @Test("paths, write keys and listeners change with the flow; a listener that both have stays open")
    func listeners() async throws {
        let flow = try FlowText()
        try flow.write(name: "a b")
        let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0", "--admin", flow.admin])
        await daemon.errorLines(containing: "HTTP server listens", count: 2)
        let socket = flow.directory.path + "/in.sock"
        try flow.write(
            name: "a b",
            sources: #"""
                "http":{"package":"http","config":{"settings":{"paths":["/new"],
                  "keys":[{"id":"k","key":"a-key-that-is-long-enough"}]}}},
                "local":{"package":"http","config":{"settings":{"socket":"\#(socket)"}}}
                """#
        )
        #expect(try await DaemonProcess.run(["reload", "--admin", flow.admin]).code == 0)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 404)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, to: "/new", port: daemon.port).status == 401)
        #expect(try await Self.curl(["--unix-socket", socket, "http://localhost/collect"]) == 0)
        #expect(try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int == 0o660)
        try flow.write(name: "a b")
        #expect(try await DaemonProcess.run(["reload", "--admin", flow.admin]).code == 0)
        #expect(!FileManager.default.fileExists(atPath: socket))
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(try flow.written.count == 2)
        #expect(await daemon.stop().code == 0)
    }

    @Test("a source has TLS of its own; the daemon's port has none")
    func ownTLS() async throws {
        let certificates = try TestCertificates()
        let identity = try certificates.issue("localhost")
        let flow = try FlowText()
        let port = try RedisServer.freePort()
        try flow.write(
            name: "a b",
            sources: #"""
                "http":{"package":"http"},
                "safe":{"package":"fetch","config":{"settings":{"port":\#(port),"host":"127.0.0.1",
                  "tls":{"certificate":"\#(identity.certificate)","key":"\#(identity.key)"}}}}
                """#
        )
        let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0"])
        await daemon.errorLines(containing: "HTTP server listens", count: 2)
        #expect(
            try await Self.curl([
                "--cacert", certificates.authority.certificate, "https://localhost:\(port)/collect",
            ]) == 0
        )
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(try flow.written.count == 2)
        _ = await daemon.stop()
    }

    @Test("status says what was done; the admin door is apart from the one for events, and for programs only")
    func status() async throws {
        let flow = try FlowText()
        try flow.write(name: "a b")
        let admin = try RedisServer.freePort()
        let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0", "--admin", String(admin)])
        await daemon.errorLines(containing: "HTTP server listens", count: 2)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(try await HTTPExchange.post(#"{"name":""}"#, port: daemon.port).status == 400)
        let shown = try await DaemonProcess.run(["status", "--admin", "127.0.0.1:\(admin)"])
        let status = try JSONValue(jsonText: shown.output)
        #expect(status["accepted"] == 1)
        #expect(status["sources"]["http"]["rejected"] == 1)
        #expect(status["destinations"]["file"]["delivered"] == 1)
        #expect(status["destinations"]["file"]["ready"] == true)
        for path in ["/status", "/reload", "/admin", "/metrics"] {
            #expect(try await get(path, port: daemon.port).status == 404)
        }
        #expect(try await HTTPExchange.post("{}", to: "/reload", port: daemon.port).status == 404)
        #expect(try await get("/status", port: admin).status == 200)
        #expect(try await get("/status", host: "localhost:\(admin)", port: admin).status == 200)
        #expect(try await get("/status", host: "[::1]:\(admin)", port: admin).status == 200)
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::1].evil"] {
            #expect(try await get("/status", host: host, port: admin).status == 403)
        }
        let page = HTTPExchange.request("POST", "/reload", headers: [("Origin", "https://evil.example")])
        #expect(try await HTTPExchange.send(page, port: admin).status == 403)
        #expect(await daemon.stop().code == 0)
        let gone = try await DaemonProcess.run(["status", "--admin", "127.0.0.1:\(admin)"])
        #expect(gone.code == 1)
        #expect(gone.errors.contains("no daemon answers there"))
        let open = try await DaemonProcess.run(["run", "--admin", "0.0.0.0:\(admin)"])
        #expect(open.code == 64)
    }

    /// Posts an event with curl; gives its exit code.
    private static func curl(_ arguments: [String]) async throws -> Int32 {
        try await BlockingWork.run {
            ChildProcess.wait(
                for: try ChildProcess.spawn(
                    ["curl", "--silent", "--show-error", "--fail", "--json", #"{"name":"page view"}"#] + arguments
                )
            )
        }
    }
}

/// A value that several tasks change.
private final class SharedValue<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) {
        state.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}
